#include "pricing/loops/loops.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "pricing/loops/restore.h"

namespace tokenwatch::pricing {
namespace {

constexpr absl::Duration kReferencesKept = absl::Hours(24 * 7);

UsdOfQuote UsdFrom(const ReferenceBook& references, absl::Duration max_age) {
  return [&references, max_age](const chain::TokenRef& asset, absl::Time at) -> std::optional<double> {
    const std::optional<Reference> reference = references.Find(asset, at, max_age);
    double usd = 0;
    if (!reference.has_value() || !absl::SimpleAtod(reference->usd, &usd)) return std::nullopt;
    return usd;
  };
}

// References of trades that may be folded again are among those, and the ones that prices of the last days were made
// with; all of them when nothing has been folded.
absl::Time OldestReference(const Checkpoint& checkpoint, absl::Time now) {
  if (checkpoint.newest_event == absl::InfinitePast()) return absl::UnixEpoch();
  return std::min(checkpoint.newest_event, now) - kReferencesKept;
}

}  // namespace

Loops::Loops(const LoopContext& context, Parts parts)
    : context_(context),
      parts_(std::move(parts)),
      history_(context),
      references_(context, [this] { return write_.has_value() && write_->is_writer(); }),
      requests_(context, parts_.view, parts_.requests) {}

Loops::~Loops() { Stop(absl::ZeroDuration()); }

absl::Status Loops::Restore(absl::Time deadline) {
  auto fold =
      std::make_unique<Fold>(context_.config.Fold(), parts_.hot,
                             UsdFrom(context_.references, context_.config.reference_max_age), history_, parts_.prices);
  const absl::StatusOr<Checkpoint> checkpoint = RestoreFold(context_.store, *fold, deadline);
  if (!checkpoint.ok()) return checkpoint.status();
  const absl::Status restored = RestoreReferences(context_.store, context_.references,
                                                  OldestReference(*checkpoint, context_.clock.Now()), deadline);
  if (!restored.ok()) return restored;
  fold_ = std::move(fold);
  write_.emplace(context_, *fold_, *checkpoint);
  follow_.emplace(context_, *fold_, *checkpoint, [this] { write_->Wake(); });
  upkeep_.emplace(context_, *fold_, *follow_, *write_, parts_.every_second);
  context_.database_condition.SetReady();
  return absl::OkStatus();
}

void Loops::Start() {
  const std::stop_token stop = stop_.get_token();
  threads_.emplace_back([this, stop] { write_->Run(stop); });
  threads_.emplace_back([this, stop] { follow_->Run(stop); });
  threads_.emplace_back([this, stop] { upkeep_->Run(stop); });
  threads_.emplace_back([this, stop] { references_.Run(stop); });
  threads_.emplace_back([this, stop] { requests_.Run(stop); });
}

void Loops::Stop(absl::Duration drain_limit) {
  const absl::Time until = absl::Now() + drain_limit;
  stop_.request_stop();
  if (threads_.empty()) return;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  // Nothing is folded any more, so what is not written gets less and less.
  write_->Drain(until);
}

ServiceState Loops::state() const {
  ServiceState state;
  state.position = fold_->position();
  state.log_head = std::max(follow_->log_head(), state.position.cursor);
  state.is_writer = write_->is_writer();
  state.fold = fold_->counts();
  const WriteLoop::Counts written = write_->counts();
  state.rows_written = written.rows;
  state.transactions = written.transactions;
  state.rows_saved = state.fold.trades - std::min(state.fold.trades, written.rows);
  return state;
}

}  // namespace tokenwatch::pricing

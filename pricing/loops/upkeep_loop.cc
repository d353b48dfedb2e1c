#include "pricing/loops/upkeep_loop.h"

#include <vector>

#include "common/sync/stop.h"

namespace tokenwatch::pricing {
namespace {

constexpr absl::Duration kLook = absl::Seconds(1);
constexpr absl::Duration kAcknowledge = absl::Seconds(10);
constexpr absl::Duration kWatched = absl::Seconds(5);
constexpr absl::Duration kPrune = absl::Minutes(10);
// Ended price requests are kept for those who ask what became of them.
constexpr absl::Duration kRequestRetention = absl::Hours(24 * 7);
constexpr int kPruneBatch = 5000;

}  // namespace

void UpkeepLoop::Run(const std::stop_token& stop) {
  do {
    every_second_();
    LookAtHead();
    const absl::Time now = context_.clock.Now();
    // Each may wait for a peer that is silent, and the end waits for one of them at most.
    if (now >= acknowledge_at_ && !stop.stop_requested()) Acknowledge();
    if (now >= watched_at_ && !stop.stop_requested()) TakeWatched();
    if (now >= prune_at_ && !stop.stop_requested()) Prune();
  } while (common::SleepUnlessStopped(stop, kLook));
}

void UpkeepLoop::LookAtHead() {
  const absl::StatusOr<uint64_t> head = context_.detector.Head(context_.clock.Now() + absl::Seconds(2));
  if (TellDetector(context_, head.status(), "ask for the head")) follow_.SawHead(*head);
}

void UpkeepLoop::Acknowledge() {
  // Only what is in the database: the next process folds again from there.
  if (!write_.is_writer()) return;
  const absl::Status status = context_.detector.Acknowledge(context_.config.consumer, write_.written_redo_cursor(),
                                                            context_.clock.Now() + absl::Seconds(2));
  if (TellDetector(context_, status, "acknowledge")) acknowledge_at_ = context_.clock.Now() + kAcknowledge;
}

// Only what changed in the database since the last look is told: a call to this replica may have been newer.
void UpkeepLoop::TakeWatched() {
  const absl::StatusOr<std::vector<chain::TokenRef>> listed = context_.store.ListWatched(LoopDeadline(context_));
  if (!TellDatabase(context_, listed.status(), "list watched tokens")) return;
  std::set<chain::TokenRef> watched(listed->begin(), listed->end());
  for (const chain::TokenRef& token : watched) {
    if (watched_.count(token) == 0) fold_.SetWatched(token, true);
  }
  for (const chain::TokenRef& token : watched_) {
    if (watched.count(token) == 0) fold_.SetWatched(token, false);
  }
  watched_.swap(watched);
  watched_at_ = context_.clock.Now() + kWatched;
}

void UpkeepLoop::Prune() {
  const absl::Time now = context_.clock.Now();
  const absl::StatusOr<int64_t> pruned =
      context_.store.PruneRequests(now - kRequestRetention, kPruneBatch, LoopDeadline(context_));
  if (!TellDatabase(context_, pruned.status(), "prune price requests")) return;
  context_.metrics.requests_pruned.Increment(static_cast<double>(*pruned));
  // A full batch: there is more, which is left for the next look.
  if (*pruned < kPruneBatch) prune_at_ = now + kPrune;
}

}  // namespace tokenwatch::pricing

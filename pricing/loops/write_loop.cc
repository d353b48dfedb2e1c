#include "pricing/loops/write_loop.h"

#include <algorithm>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "common/log/log.h"
#include "common/sync/stop.h"

namespace tokenwatch::pricing {
namespace {

// How often the lock is tried, the writer's checkpoint is read, and an idle session is asked whether it lives.
constexpr absl::Duration kLook = absl::Seconds(1);
constexpr common::Backoff::Options kBackoff{
    .initial = absl::Milliseconds(50), .cap = absl::Seconds(1), .multiplier = 2};

bool IsEmpty(const Flush& flush) { return flush.rows() == 0 && flush.parked.empty() && !flush.parked_is_complete; }

// But for the number of the flush.
bool IsSamePlace(const Checkpoint& a, const Checkpoint& b) {
  return a.cursor == b.cursor && a.redo_cursor == b.redo_cursor && a.newest_event == b.newest_event;
}

}  // namespace

WriteLoop::WriteLoop(const LoopContext& context, Fold& fold, const Checkpoint& restored, common::UniformRandom random)
    : context_(context), fold_(fold), backoff_(kBackoff, std::move(random)), checkpoint_(restored) {
  written_redo_ = restored.redo_cursor;
}

void WriteLoop::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) Sleep(Step(), stop);
}

void WriteLoop::Wake() {
  common::MutexLock lock(mutex_);
  if (woken_) return;
  woken_ = true;
  woken_changed_.NotifyAll();
}

void WriteLoop::Sleep(absl::Duration span, const std::stop_token& stop) {
  common::StopWaker waker(stop, mutex_, woken_changed_);
  const absl::Time end = absl::Now() + span;
  common::MutexLock lock(mutex_);
  while (!(woken_ && is_writer()) && !stop.stop_requested()) {
    const absl::Duration left = end - absl::Now();
    if (left <= absl::ZeroDuration()) break;
    woken_changed_.WaitFor(mutex_, left);
  }
  woken_ = false;
}

WriteLoop::Counts WriteLoop::counts() const {
  return {rows_.load(std::memory_order_relaxed), transactions_.load(std::memory_order_relaxed)};
}

absl::Duration WriteLoop::Step() {
  if (session_ == nullptr) {
    if (absl::Status status = Open(LoopDeadline(context_)); !status.ok()) return Failed(status, "become the writer");
  }
  if (session_ == nullptr) {
    const absl::Status status = FollowCheckpoint();
    return status.ok() ? kLook : Failed(status, "read the writer's checkpoint");
  }
  const absl::Time now = context_.clock.Now();
  if (now >= next_flush_ || fold_.wants_flush()) {
    if (absl::Status status = WriteDue(false, absl::InfiniteFuture()); !status.ok()) {
      return Failed(status, "write what was folded");
    }
    next_flush_ = now + context_.config.flush_interval;
  } else if (now - used_at_ >= kLook) {
    if (absl::Status status = session_->Ping(); !status.ok()) return Failed(status, "ask the session for nothing");
    used_at_ = now;
    context_.database_condition.SetReady();
  }
  backoff_.Reset();
  return std::clamp(next_flush_ - context_.clock.Now(), absl::ZeroDuration(), kLook);
}

absl::Status WriteLoop::Open(absl::Time deadline) {
  auto session = context_.store.OpenWriteSession(deadline);
  if (!session.ok()) return session.status();
  if (*session == nullptr) return absl::OkStatus();
  const absl::StatusOr<Checkpoint> checkpoint = (*session)->ReadCheckpoint();
  if (!checkpoint.ok()) return checkpoint.status();
  // Also settles a commit of which nobody knew whether it happened: the checkpoint has its number, or not.
  TakeCheckpoint(*checkpoint);
  session_ = *std::move(session);
  used_at_ = context_.clock.Now();
  next_flush_ = std::max(next_flush_, used_at_);
  is_writer_ = true;
  context_.database_condition.SetReady();
  common::Log(common::Severity::kInfo, "this replica writes now",
              {{"flush", checkpoint_.flush}, {"cursor", checkpoint_.cursor}, {"folded", fold_.position().cursor}});
  return absl::OkStatus();
}

absl::Status WriteLoop::FollowCheckpoint() {
  const absl::StatusOr<Checkpoint> checkpoint = context_.store.ReadCheckpoint(LoopDeadline(context_));
  if (!checkpoint.ok()) return checkpoint.status();
  context_.database_condition.SetReady();
  backoff_.Reset();
  if (*checkpoint != checkpoint_) TakeCheckpoint(*checkpoint);
  return absl::OkStatus();
}

void WriteLoop::TakeCheckpoint(const Checkpoint& checkpoint) {
  fold_.Covered(checkpoint);
  checkpoint_ = checkpoint;
  written_redo_ = checkpoint.redo_cursor;
}

absl::Status WriteLoop::WriteDue(bool everything, absl::Time until) {
  const auto max_rows = static_cast<size_t>(context_.config.flush_rows);
  while (absl::Now() < until) {
    const Flush flush = fold_.CollectFlush(checkpoint_.flush, max_rows, everything);
    const bool is_empty = IsEmpty(flush);
    if (is_empty && IsSamePlace(flush.checkpoint, checkpoint_)) {
      fold_.FlushFailed(flush);
      return absl::OkStatus();
    }
    const absl::Status status = WriteOne(flush);
    if (!status.ok()) {
      fold_.FlushFailed(flush);
      return status;
    }
    fold_.FlushWritten(flush);
    checkpoint_ = flush.checkpoint;
    written_redo_ = checkpoint_.redo_cursor;
    // One that is not nearly full has all that is due. With everything to be written the next tells.
    if (is_empty || (!everything && flush.rows() * 2 < max_rows)) return absl::OkStatus();
  }
  return absl::DeadlineExceededError("there was no time to write everything");
}

absl::Status WriteLoop::WriteOne(const Flush& flush) {
  WorkMetrics& metrics = context_.metrics;
  const absl::Time began = context_.clock.Now();
  if (absl::Status status = session_->Write(flush); !status.ok()) {
    metrics.flush_failures.Increment();
    return status;
  }
  used_at_ = context_.clock.Now();
  context_.database_condition.SetReady();
  metrics.flush_seconds.Observe(absl::ToDoubleSeconds(used_at_ - began));
  metrics.flushes.Increment();
  metrics.series_rows.Increment(static_cast<double>(flush.series.size()));
  metrics.candle_rows.Increment(static_cast<double>(flush.chunks.size()));
  size_t parked = 0;
  for (const ParkedSeries& series : flush.parked) parked += series.cursors.size();
  metrics.parked_trades.Increment(static_cast<double>(parked));
  rows_ += flush.rows();
  ++transactions_;
  return absl::OkStatus();
}

absl::Duration WriteLoop::Failed(const absl::Status& status, absl::string_view what) {
  TellDatabase(context_, status, what);
  Drop();
  return backoff_.Next();
}

void WriteLoop::Drop() {
  session_.reset();
  is_writer_ = false;
}

void WriteLoop::Drain(absl::Time until) {
  while (absl::Now() < until) {
    absl::Status status;
    // A database that is silent must not make the end later than it may be.
    const absl::Time patience = context_.clock.Now() + (until - absl::Now());
    if (session_ == nullptr) status = Open(std::min(patience, LoopDeadline(context_)));
    // Another process writes: it has folded the same log.
    if (status.ok() && session_ == nullptr) return;
    if (status.ok()) status = WriteDue(true, until);
    if (status.ok()) break;
    absl::SleepFor(std::min(Failed(status, "write everything before the end"), until - absl::Now()));
  }
  Drop();
}

}  // namespace tokenwatch::pricing

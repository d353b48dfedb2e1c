#include "pricing/loops/follow_loop.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/sync/stop.h"
#include "common/time/backoff.h"

namespace tokenwatch::pricing {
namespace {

constexpr common::Backoff::Options kReopen{.initial = absl::Milliseconds(50), .cap = absl::Seconds(2), .multiplier = 2};
// Memory is full, and the writer has been told: room is likely soon.
constexpr common::Backoff::Options kRoom{
    .initial = absl::Milliseconds(10), .cap = absl::Milliseconds(200), .multiplier = 2};

}  // namespace

void FollowLoop::SawHead(uint64_t head) {
  uint64_t known = log_head_.load(std::memory_order_relaxed);
  while (known < head && !log_head_.compare_exchange_weak(known, head, std::memory_order_relaxed)) {
  }
}

void FollowLoop::Run(const std::stop_token& stop) {
  common::Backoff backoff(kReopen, common::SystemRandom());
  while (!stop.stop_requested()) {
    const uint64_t before = fold_.position().cursor;
    const absl::Status ended = FollowOnce(stop);
    if (stop.stop_requested()) return;
    if (fold_.position().cursor != before) backoff.Reset();
    if (absl::IsOutOfRange(ended)) {
      context_.detector_condition.SetReady();
      context_.log_condition.SetNotReady(std::string(ended.message()));
      TW_LOG_EVERY(absl::Seconds(1), common::Severity::kError, "the log cannot be folded on",
                   {{"cursor", fold_.position().cursor}, {"error", ended.message()}});
    } else if (absl::IsUnavailable(ended) || absl::IsDeadlineExceeded(ended)) {
      TellDetector(context_, ended, "follow the log");
    } else {
      // A reader that is cut off for being slow, or a detector that goes down in order, is no failure of either.
      TW_LOG_EVERY(absl::Seconds(1), common::Severity::kInfo, "the log's stream ended; opening it again",
                   {{"cursor", fold_.position().cursor}, {"status", ended.ToString()}});
    }
    common::SleepUnlessStopped(stop, backoff.Next());
  }
}

absl::Status FollowLoop::FollowOnce(const std::stop_token& stop) {
  const uint64_t cursor = fold_.position().cursor;
  if (absl::Status status = CheckReach(cursor); !status.ok()) return status;
  return context_.detector.Tail(
      cursor, [&](TradeBatch&& batch) { return Take(batch, stop); }, stop);
}

absl::Status FollowLoop::CheckReach(uint64_t cursor) {
  const absl::StatusOr<uint64_t> head = context_.detector.Head(LoopDeadline(context_));
  if (!head.ok()) return head.status();
  TellDetector(context_, absl::OkStatus(), "ask for the head");
  SawHead(*head);
  const uint64_t folded = std::max(cursor, restored_.cursor);
  if (*head < folded) {
    return absl::OutOfRangeError(
        absl::StrCat("the detector's log ends at cursor ", *head, ", and ", folded,
                     " was folded of it: it is another log, or an older state of it; point --detector to the log that "
                     "was folded, or "
                     "empty the tables of schema pricing to fold this one from its beginning"));
  }
  // Nothing follows, so nothing can be missing; otherwise the first batch tells.
  if (*head == cursor) context_.log_condition.SetReady();
  return absl::OkStatus();
}

absl::Status FollowLoop::Take(const TradeBatch& batch, const std::stop_token& stop) {
  common::Backoff room(kRoom, common::SystemRandom());
  common::Backoff failed(kReopen, common::SystemRandom());
  while (true) {
    const absl::Status status = fold_.Apply(batch);
    if (status.ok()) break;
    context_.metrics.apply_failures.Increment();
    const bool is_full = absl::IsResourceExhausted(status);
    if (is_full) {
      on_pressure_();
    } else {
      TellApply(status);
    }
    if (!common::SleepUnlessStopped(stop, is_full ? room.Next() : failed.Next()))
      return absl::CancelledError("stopped");
  }
  SawHead(batch.cursor);
  context_.detector_condition.SetReady();
  context_.log_condition.SetReady();
  if (fold_.wants_flush()) on_pressure_();
  return absl::OkStatus();
}

// What the history could not give it has told itself, and will do so again; the rest is for people.
void FollowLoop::TellApply(const absl::Status& status) {
  TW_LOG_EVERY(absl::Seconds(1), common::Severity::kWarning, "a batch of the log cannot be folded yet",
               {{"cursor", fold_.position().cursor}, {"error", status.ToString()}});
  if (absl::IsFailedPrecondition(status) || absl::IsDataLoss(status)) {
    context_.log_condition.SetNotReady(std::string(status.message()));
  }
}

}  // namespace tokenwatch::pricing

// Reads the detector's log into the fold. Never folds over a gap: a log that ends before what was folded of it, or that
// no longer keeps what follows, is not folded on, and readiness says so.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <utility>

#include "pricing/fold/fold.h"
#include "pricing/loops/context.h"

namespace tokenwatch::pricing {

// Run by one thread; log_head() and SawHead() are for any.
class FollowLoop {
 public:
  // `restored`: what the fold began with. `on_pressure` is called when the fold wants to be written; any thread.
  FollowLoop(const LoopContext& context, Fold& fold, const Checkpoint& restored, std::function<void()> on_pressure)
      : context_(context), fold_(fold), restored_(restored), on_pressure_(std::move(on_pressure)) {}

  // Follows the log, reopening the stream after the last cursor that was folded, until `stop`.
  void Run(const std::stop_token& stop);

  // The newest position of the log that was heard of; 0 before the first.
  uint64_t log_head() const { return log_head_.load(std::memory_order_relaxed); }
  void SawHead(uint64_t head);

 private:
  // One stream, to its end.
  absl::Status FollowOnce(const std::stop_token& stop);
  // OUT_OF_RANGE when the log ends before what was folded of it.
  absl::Status CheckReach(uint64_t cursor);
  // Folds a batch in, however long that takes; CANCELLED when stopped.
  absl::Status Take(const TradeBatch& batch, const std::stop_token& stop);
  void TellApply(const absl::Status& status);

  const LoopContext context_;
  Fold& fold_;
  const Checkpoint restored_;
  const std::function<void()> on_pressure_;
  std::atomic<uint64_t> log_head_{0};
};

}  // namespace tokenwatch::pricing

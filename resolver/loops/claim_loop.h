// Brings work: tokens claimed from the detector as soon as they appear, and tokens whose next attempt is due.
//
// A claim only says that a token waits. Who works on it is decided by the lease in the own table, which covers tokens
// from every origin; so no two replicas ask about one token at once, whatever brought it to them.
#pragma once

#include <atomic>
#include <stop_token>
#include <vector>

#include "common/sync/mutex.h"
#include "resolver/loops/context.h"

namespace tokenwatch::resolver {

// Run by one thread; the others are for any.
class ClaimLoop {
 public:
  explicit ClaimLoop(const LoopContext& context) : context_(context) {}

  // Until `stop`.
  void Run(const std::stop_token& stop);

  // There may be work: does not wait for the next poll.
  void Wake() TW_EXCLUDES(mutex_);
  // There is room in the cascade again.
  void WakeIfStarved();

  // The terms for work that begins now.
  LeaseTerms Lease() const;
  // When a round that begins now is given up: somewhat before its lease ends.
  absl::Time GiveUpAt() const;

 private:
  // Both return whether there may be more at once; an error has been told already.
  absl::StatusOr<bool> TakeDue();
  absl::StatusOr<bool> Claim(const std::stop_token& stop);
  absl::Status Begin(const std::vector<ClaimedToken>& claimed, const std::stop_token& stop);
  void Sleep(absl::Duration span, const std::stop_token& stop) TW_EXCLUDES(mutex_);
  // Tokens to ask for; 0, noting that it starves, when there is no room.
  int Limit();

  const LoopContext context_;
  std::atomic<bool> starved_{false};
  common::Mutex mutex_;
  common::CondVar woken_changed_;
  bool woken_ TW_GUARDED_BY(mutex_) = false;
};

}  // namespace tokenwatch::resolver

// What is to be done now and then: tells the detector what is not needed any more, asks how far its log goes, notices
// what other replicas were told to watch, deletes old price requests, cuts off stalled streams.
#pragma once

#include <functional>
#include <set>
#include <stop_token>
#include <utility>

#include "pricing/fold/fold.h"
#include "pricing/loops/context.h"
#include "pricing/loops/follow_loop.h"
#include "pricing/loops/write_loop.h"

namespace tokenwatch::pricing {

// Run by one thread.
class UpkeepLoop {
 public:
  UpkeepLoop(const LoopContext& context, Fold& fold, FollowLoop& follow, const WriteLoop& write,
             std::function<void()> every_second)
      : context_(context), fold_(fold), follow_(follow), write_(write), every_second_(std::move(every_second)) {}

  void Run(const std::stop_token& stop);

 private:
  void LookAtHead();
  void Acknowledge();
  void TakeWatched();
  void Prune();

  const LoopContext context_;
  Fold& fold_;
  FollowLoop& follow_;
  const WriteLoop& write_;
  const std::function<void()> every_second_;
  // As the database had it at the last look.
  std::set<chain::TokenRef> watched_;
  absl::Time acknowledge_at_ = absl::InfinitePast();
  absl::Time watched_at_ = absl::InfinitePast();
  absl::Time prune_at_ = absl::InfinitePast();
};

}  // namespace tokenwatch::pricing

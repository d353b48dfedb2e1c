// All background work of the resolver, on threads of its own.
#pragma once

#include <stop_token>
#include <thread>
#include <vector>

#include "resolver/loops/claim_loop.h"
#include "resolver/loops/context.h"
#include "resolver/loops/finish_loop.h"
#include "resolver/loops/follow_loop.h"
#include "resolver/loops/upkeep_loop.h"

namespace tokenwatch::resolver {

// Start and Stop by one thread; `claims` is for any.
class Loops {
 public:
  explicit Loops(const LoopContext& context);
  // Stop().
  ~Loops();

  // Restores the budgets and starts. An error is the database's, and nothing has been started then.
  absl::Status Start(absl::Time deadline);

  // Ends claiming, lets running calls to sources end (their time limit bounds them), stores what is there, gives claims
  // back, and joins. Idempotent.
  void Stop();

  ClaimLoop& claims() { return claims_; }

 private:
  void Pump(const std::stop_token& stop);

  const LoopContext context_;
  ClaimLoop claims_;
  FinishLoop finishes_;
  FollowLoop follows_;
  UpkeepLoop upkeep_;
  // Ends bringing in work; the other, afterwards, ends working.
  std::stop_source no_more_work_;
  std::stop_source no_more_rounds_;
  std::vector<std::thread> bringers_;
  std::vector<std::thread> workers_;
};

}  // namespace tokenwatch::resolver

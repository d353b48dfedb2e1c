// Keeps the sources' budgets in the database, shared with other replicas and over restarts, and old attempts bounded.
#pragma once

#include <stop_token>
#include <vector>

#include "resolver/loops/context.h"

namespace tokenwatch::resolver {

// Run by one thread.
class UpkeepLoop {
 public:
  explicit UpkeepLoop(const LoopContext& context) : context_(context) {}

  // Continues from the budgets of an earlier run. Once, before the first call to a source.
  absl::Status RestoreBudgets(absl::Time deadline);

  // Until `stop`; saves the budgets a last time then.
  void Run(const std::stop_token& stop);

 private:
  std::vector<StoredBudget> Budgets() const;
  void ExchangeBudgets(std::vector<StoredBudget> budgets);
  void Prune();

  const LoopContext context_;
  std::vector<StoredBudget> exchanged_;
  absl::Time exchanged_at_ = absl::InfinitePast();
  absl::Time pruned_at_ = absl::InfinitePast();
};

}  // namespace tokenwatch::resolver

#include "resolver/loops/upkeep_loop.h"

#include <string>
#include <utility>

#include "common/sync/stop.h"

namespace tokenwatch::resolver {
namespace {

// Looking costs nothing; a window that a source has just closed is saved at the next look.
constexpr absl::Duration kLook = absl::Milliseconds(200);
// Budgets that merely go down are saved, and those of others read, this often.
constexpr absl::Duration kExchange = absl::Seconds(5);
constexpr absl::Duration kPrune = absl::Minutes(10);
constexpr int kPruneBatch = 5000;

bool SameClosings(const std::vector<StoredBudget>& a, const std::vector<StoredBudget>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].state.closed_until != b[i].state.closed_until) return false;
  }
  return true;
}

}  // namespace

std::vector<StoredBudget> UpkeepLoop::Budgets() const {
  std::vector<StoredBudget> budgets;
  for (const Source* source : context_.cascade.sources()) {
    budgets.push_back({std::string(source->name()), source->budget(context_.clock.Now())});
  }
  return budgets;
}

absl::Status UpkeepLoop::RestoreBudgets(absl::Time deadline) {
  auto stored = context_.store.LoadBudgets(deadline);
  if (!stored.ok()) return stored.status();
  for (const StoredBudget& budget : *stored) {
    for (Source* source : context_.cascade.sources()) {
      if (source->name() == budget.source) source->Restore(budget.state);
    }
  }
  return absl::OkStatus();
}

void UpkeepLoop::Run(const std::stop_token& stop) {
  bool running = true;
  while (running) {
    running = common::SleepUnlessStopped(stop, kLook);
    const absl::Time now = context_.clock.Now();
    std::vector<StoredBudget> budgets = Budgets();
    const bool due = !running || now - exchanged_at_ >= kExchange;
    if (due || !SameClosings(budgets, exchanged_)) ExchangeBudgets(std::move(budgets));
    if (running && now - pruned_at_ >= kPrune) Prune();
  }
}

void UpkeepLoop::ExchangeBudgets(std::vector<StoredBudget> budgets) {
  const absl::Time now = context_.clock.Now();
  exchanged_at_ = now;
  auto stored = context_.store.ExchangeBudgets(budgets, now, StoreDeadline(context_));
  if (!TellDatabase(context_, stored.status(), "exchange budgets")) return;
  exchanged_ = std::move(budgets);
  for (const StoredBudget& budget : *stored) {
    for (Source* source : context_.cascade.sources()) {
      if (source->name() == budget.source) source->CloseUntil(budget.state.closed_until);
    }
  }
}

void UpkeepLoop::Prune() {
  const absl::Time now = context_.clock.Now();
  const Config& config = context_.config;
  auto pruned = context_.store.PruneAttempts(now - config.attempts_retention, config.attempts_max_rows, kPruneBatch,
                                             StoreDeadline(context_));
  if (!TellDatabase(context_, pruned.status(), "prune attempts")) return;
  context_.metrics.attempts_pruned.Increment(static_cast<double>(*pruned));
  // A full batch: there is more, which is left for the next look.
  if (*pruned < kPruneBatch) pruned_at_ = now;
}

}  // namespace tokenwatch::resolver

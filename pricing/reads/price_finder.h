// One price: from memory, from what was stored, as of a moment that has passed, or from oracles.
#pragma once

#include <functional>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "chain/address.h"
#include "common/time/clock.h"
#include "pricing/oracle/oracle.h"
#include "pricing/price.h"
#include "pricing/price_view.h"
#include "pricing/reads/history.h"
#include "pricing/reads/markets.h"
#include "pricing/reads/series_reader.h"

namespace tokenwatch::pricing {

enum class FindPolicy : uint8_t { kFirstGood = 1, kAggregate = 2, kLogOnly = 3 };

struct PriceQuestion {
  chain::TokenRef token;
  // As of this event time; nullopt means now.
  std::optional<absl::Time> at;
  // Prices older than this, at that time, are refused.
  std::optional<absl::Duration> max_age;
  FindPolicy policy = FindPolicy::kFirstGood;
  int min_sources = 2;
  // Only against this quote asset, which oracles know nothing of; any when empty.
  chain::Address quote;
};

// Thread-safe. All parts outlive it.
class PriceFinder {
 public:
  struct Parts {
    const PriceView& view;
    const SeriesReader& series;
    const History& history;
    Oracle& oracle;
    OracleMemory& memory;
    common::Clock& clock;
  };
  // Exactly one call, from any thread. NOT_FOUND says what each source said; FAILED_PRECONDITION: there is a price, but
  // it is older than max_age, or fewer sources than min_sources have one.
  using Done = std::function<void(absl::StatusOr<Price>)>;

  explicit PriceFinder(const Parts& parts) : parts_(parts) {}

  // The answer when memory alone gives it; never blocks. nullopt: ask Find.
  std::optional<Price> FindInMemory(const PriceQuestion& question) const;
  // Blocks for database and log; waits for oracles without a thread.
  void Find(const PriceQuestion& question, absl::Time deadline, Done done) const;

 private:
  absl::StatusOr<std::optional<Price>> FindInLog(const PriceQuestion& question, absl::Time deadline) const;
  absl::StatusOr<Price> FindPast(const PriceQuestion& question, absl::Time deadline) const;
  void AskOracle(const PriceQuestion& question, absl::StatusOr<std::optional<Price>> from_log, absl::Time deadline,
                 Done done) const;
  absl::StatusOr<Price> Choose(const PriceQuestion& question, const absl::StatusOr<std::optional<Price>>& from_log,
                               const OracleAnswer& answer) const;
  // With decimals that had to be asked for.
  Price Complete(const PriceInputs& inputs, absl::Time as_of, absl::Time deadline) const;
  // Younger than the question asks, or than what is stale.
  bool IsGood(const PriceQuestion& question, const Price& price) const;

  const Parts parts_;
};

}  // namespace tokenwatch::pricing

// Decimal places of tokens, kept in memory so that deriving a price never waits: what is not known is asked for in the
// background, and known the next time.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "chain/address.h"
#include "common/sync/executor.h"
#include "common/time/clock.h"
#include "pricing/detector.h"

namespace tokenwatch::pricing {

// Thread-safe.
class DecimalsBook {
 public:
  // Tells the decimals of those it knows, of up to kMaxLookup tokens. Blocks until the deadline at most.
  using Lookup =
      std::function<absl::StatusOr<std::vector<TokenDecimals>>(absl::Span<const chain::TokenRef>, absl::Time)>;
  static constexpr size_t kMaxLookup = 500;

  struct Options {
    // Tokens remembered, those that are not known included; beyond it the longest remembered are forgotten.
    size_t capacity = 200'000;
    // A token that the lookup does not know is asked for again after this.
    absl::Duration retry_after = absl::Minutes(1);
    absl::Duration lookup_timeout = absl::Seconds(5);
  };

  // Lookups run on `executor`, which outlives this.
  DecimalsBook(const Options& options, Lookup lookup, common::Executor& executor, common::Clock& clock);
  // Waits for a lookup under way.
  ~DecimalsBook();

  // From memory. Has what is not known asked for in the background, at most kMaxLookup tokens at a time.
  std::optional<int> Find(const chain::TokenRef& token);
  // The same, but asks now. The error of the lookup; what it does not know stays nullopt.
  absl::StatusOr<std::optional<int>> Fetch(const chain::TokenRef& token, absl::Time deadline);

 private:
  class State;
  // Shared with tasks on the executor that may run later than this lives.
  const std::shared_ptr<State> state_;
  common::Executor& executor_;
};

}  // namespace tokenwatch::pricing

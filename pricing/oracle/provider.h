// One place outside that may know what a token is worth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "chain/address.h"
#include "common/http/upstream.h"
#include "pricing/oracle/observation.h"

namespace tokenwatch::pricing {

// What a source said about one token.
struct ProviderAnswer {
  Outcome outcome = Outcome::kNotFound;
  // One line for people; what went wrong, when something did.
  std::string detail;
  // Set for kFound; the one to believe first, then the others by liquidity where the source names several pools.
  std::vector<Observation> observations;
  // When the source says to come back.
  absl::Time retry_at = absl::InfinitePast();
};
// One answer per token, in the order of the tokens.
using ProviderCallback = std::function<void(std::vector<ProviderAnswer>)>;

// Asks once; breakers, retries and caches are around it (see chain/). Thread-safe.
class Provider {
 public:
  virtual ~Provider() = default;
  // Lower-case word: flag value, metric label.
  virtual absl::string_view name() const = 0;
  // Tokens that fit one call.
  virtual size_t max_batch() const = 0;
  virtual bool Serves(const chain::TokenRef& token) const = 0;

  // Takes one call from the budget, if it has one. Each grant is followed by one Ask.
  virtual common::RateGrant Admit() = 0;
  // A limit of 0: there is none.
  virtual common::UpstreamBudget budget() const = 0;

  // About 1 to max_batch() tokens of one chain. `done` is called exactly once, from any thread, possibly before Ask
  // returns. A failed call gives every token that failure.
  virtual void Ask(const std::vector<chain::TokenRef>& tokens, absl::Time deadline, ProviderCallback done) = 0;
};

}  // namespace tokenwatch::pricing

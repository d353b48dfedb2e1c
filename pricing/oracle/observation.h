// What one oracle source said about one token. Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "chain/address.h"
#include "pricing/trade.h"

namespace tokenwatch::pricing {

// Where a source stands with a question. Everything but kFound is no price.
enum class Outcome : uint8_t {
  kFound = 1,
  kNotFound,     // the source answered and does not know the token
  kNoPrice,      // it knows the token and has no price for it
  kBadAnswer,    // not what the source documents: HTML, truncated, an error body in a 200, a number that is none
  kRateLimited,  // 429, or the body says so
  kTimeout,
  kUnavailable,  // 5xx, no connection
  kRefused,      // 4xx: key, address
  kNoBudget,     // not asked: its budget is used up
  kBreakerOpen,  // not asked: it failed lately
};
// "found", "not_found", ...
absl::string_view ToWord(Outcome outcome);

// A price in USD for one whole token.
struct Observation {
  // Decimal text as the source gave it (of a JSON number the shortest text of that double), checked to be a positive
  // finite number.
  std::string usd;
  double value = 0;
  // When the source says that was so; nullopt when it does not.
  std::optional<absl::Time> event_time;
  // When the answer came, by the wall clock.
  absl::Time heard_at;
  // When it was so, as well as is known.
  absl::Time made_at() const { return event_time.value_or(heard_at); }
  std::optional<double> liquidity_usd;
  // Where it says the token trades; empty when it does not.
  Word venue;
  std::string pool;
};

// What became of asking one source, for provenance.
struct SourceReport {
  Word source;
  Outcome outcome = Outcome::kNotFound;
  std::string detail;
  std::optional<Observation> observation;
  bool used = false;
  // Why a found price is not used ("outlier", "stale"); empty when used.
  std::string rejected;
};

}  // namespace tokenwatch::pricing

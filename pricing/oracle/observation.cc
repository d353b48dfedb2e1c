#include "pricing/oracle/observation.h"

namespace tokenwatch::pricing {

absl::string_view ToWord(Outcome outcome) {
  switch (outcome) {
    case Outcome::kFound:
      return "found";
    case Outcome::kNotFound:
      return "not_found";
    case Outcome::kNoPrice:
      return "no_price";
    case Outcome::kBadAnswer:
      return "bad_answer";
    case Outcome::kRateLimited:
      return "rate_limited";
    case Outcome::kTimeout:
      return "timeout";
    case Outcome::kUnavailable:
      return "unavailable";
    case Outcome::kRefused:
      return "refused";
    case Outcome::kNoBudget:
      return "no_budget";
    case Outcome::kBreakerOpen:
      return "breaker_open";
  }
  return "unknown";
}

}  // namespace tokenwatch::pricing

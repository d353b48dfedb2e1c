#include "resolver/resolution.h"

namespace tokenwatch::resolver {

absl::string_view StateName(State state) {
  switch (state) {
    case State::kPending:
      return "pending";
    case State::kResolved:
      return "resolved";
    case State::kDeadLetter:
      return "dead_letter";
  }
  return "pending";
}

std::optional<State> ParseState(absl::string_view name) {
  for (const State state : {State::kPending, State::kResolved, State::kDeadLetter}) {
    if (name == StateName(state)) return state;
  }
  return std::nullopt;
}

absl::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kFound:
      return "found";
    case Outcome::kNotFound:
      return "not_found";
    case Outcome::kRateLimited:
      return "rate_limited";
    case Outcome::kTimeout:
      return "timeout";
    case Outcome::kUnavailable:
      return "unavailable";
    case Outcome::kBadAnswer:
      return "bad_answer";
    case Outcome::kRefused:
      return "refused";
  }
  return "unavailable";
}

std::optional<Outcome> ParseOutcome(absl::string_view name) {
  for (const Outcome outcome : kAllOutcomes) {
    if (name == OutcomeName(outcome)) return outcome;
  }
  return std::nullopt;
}

}  // namespace tokenwatch::resolver

// What is known of a token, where each part of it came from, and how often its sources were asked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "resolver/token.h"

namespace tokenwatch::resolver {

// Texts longer than these are cut (names, symbols) or not taken (metadata addresses).
inline constexpr size_t kMaxNameBytes = 256;
inline constexpr size_t kMaxSymbolBytes = 64;
inline constexpr size_t kMaxUriBytes = 2048;
inline constexpr size_t kMaxDetailBytes = 256;

enum class State { kPending, kResolved, kDeadLetter };

// "pending", "resolved", "dead_letter": as stored. Stable.
absl::string_view StateName(State state);
// nullopt for any other word.
std::optional<State> ParseState(absl::string_view name);

// What became of one question to one source.
enum class Outcome { kFound, kNotFound, kRateLimited, kTimeout, kUnavailable, kBadAnswer, kRefused };
inline constexpr Outcome kAllOutcomes[] = {Outcome::kFound,   Outcome::kNotFound,    Outcome::kRateLimited,
                                           Outcome::kTimeout, Outcome::kUnavailable, Outcome::kBadAnswer,
                                           Outcome::kRefused};

// "found", "not_found", "rate_limited", "timeout", "unavailable", "bad_answer", "refused": as stored. Stable.
absl::string_view OutcomeName(Outcome outcome);
std::optional<Outcome> ParseOutcome(absl::string_view name);

// A value made safe to display, and where it came from. Empty when not known.
struct SourcedText {
  std::string value;
  std::string source;
  absl::Time observed_at = absl::InfinitePast();
  bool sanitized = false;

  friend bool operator==(const SourcedText&, const SourcedText&) = default;
};

struct Resolution {
  TokenRef token;
  State state = State::kPending;
  SourcedText name;
  SourcedText symbol;
  SourcedText uri;
  std::optional<uint32_t> decimals;
  std::string decimals_source;
  // The well-known token whose name or symbol this one borrows.
  std::optional<TokenRef> imitates;
  // Rounds of attempts made.
  int attempts = 0;
  // Not to be asked for before. InfiniteFuture when no attempt is planned.
  absl::Time next_attempt_at = absl::InfinitePast();
  // Why there is no name; empty when there is one.
  std::string reason;

  friend bool operator==(const Resolution&, const Resolution&) = default;
};

// One question to one source about one token.
struct Attempt {
  TokenRef token;
  std::string source;
  absl::Time asked_at;
  Outcome outcome = Outcome::kNotFound;
  std::string detail;
  absl::Duration latency;

  friend bool operator==(const Attempt&, const Attempt&) = default;
};

}  // namespace tokenwatch::resolver

// Tokens as the registry knows them, and the events that changed them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "chain/address.h"
#include "chain/amount.h"
#include "detector/trade.h"

namespace tokenwatch::detector {

// Pending tokens have no real name yet and live in pending_tokens; detected ones live in detected_tokens.
enum class TokenState : uint8_t { kPending = 1, kDetected = 2 };

// What made the detector aware of a token.
enum class TokenOrigin : uint8_t { kLaunch = 1, kTrade = 2, kMigration = 3 };

// The liquidity of a token moved to another venue.
struct Migration {
  Word venue;
  absl::Time time;
  chain::TransactionId transaction;
};

// A token and all that is known of it; empty or nullopt is "not known".
struct Token {
  chain::TokenRef ref;
  TokenState state = TokenState::kPending;
  TokenOrigin origin = TokenOrigin::kLaunch;
  // Safe to display. A pending token has the placeholder of PlaceholderName().
  std::string name;
  std::string symbol;
  std::string uri;
  // Where the name came from; "launch" for one that came with the launch, empty while pending.
  std::string name_source;
  // The name or symbol differs from what the chain holds, because unsafe characters were removed.
  bool name_sanitized = false;
  chain::Address creator;
  Word venue;
  chain::Address pool;
  chain::Address quote;
  std::optional<uint8_t> decimals;
  std::optional<chain::Amount> supply;
  std::optional<bool> is_mayhem;
  std::optional<bool> is_cashback;
  chain::TransactionId launch_transaction;
  uint64_t launch_slot = 0;
  std::optional<absl::Time> launched_at;
  absl::Time first_seen_at;
  std::optional<absl::Time> named_at;
  std::optional<absl::Time> completed_at;
  std::optional<Migration> migration;
  // Sorted, each once.
  std::vector<std::string> feeds;
  std::optional<chain::TokenRef> imitates;
  // Cursor of its first event: orders tokens by age.
  uint64_t first_cursor = 0;
};

enum class TokenEventKind : uint8_t {
  kLaunched = 1,
  kDiscovered = 2,
  kNamed = 3,
  kUpdated = 4,
  kCompleted = 5,
  kMigrated = 6,
};

// One entry of the token log.
struct TokenEvent {
  uint64_t cursor = 0;
  TokenEventKind kind = TokenEventKind::kLaunched;
  absl::Time event_time;
  // The token as it was right after this event.
  Token token;
};

// What a nameless token is shown as: "(unnamed <first 8 characters of the address>)". The parentheses mark it visibly;
// no cleaned name that came with a launch is ever taken for one, because IsPlaceholderName() names are not real names.
std::string PlaceholderName(const chain::Address& address);
bool IsPlaceholderName(absl::string_view name);

// Stable lower-case words for the database and for logs.
absl::string_view ToWord(TokenOrigin origin);
absl::string_view ToWord(TokenEventKind kind);
std::optional<TokenOrigin> ParseTokenOrigin(absl::string_view word);
std::optional<TokenEventKind> ParseTokenEventKind(absl::string_view word);

}  // namespace tokenwatch::detector

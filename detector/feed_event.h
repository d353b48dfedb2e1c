// What a feed says happened, before it is compared with what is known already.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "chain/address.h"
#include "chain/amount.h"
#include "detector/trade.h"

namespace tokenwatch::detector {

// A token was launched. Texts are as the feed gave them; the registry makes them safe.
struct LaunchSeen {
  chain::TokenRef ref;
  std::string name;
  std::string symbol;
  std::string uri;
  chain::Address creator;
  Word venue;
  chain::Address pool;
  chain::Address quote;
  std::optional<uint8_t> decimals;
  std::optional<chain::Amount> supply;
  std::optional<bool> is_mayhem;
  std::optional<bool> is_cashback;
  chain::TransactionId transaction;
  uint64_t slot = 0;
  absl::Time event_time;
};

// The bonding curve of a token sold out.
struct CompletionSeen {
  chain::TokenRef ref;
  absl::Time event_time;
};

// The liquidity of a token moved to `venue`.
struct MigrationSeen {
  chain::TokenRef ref;
  Word venue;
  chain::TransactionId transaction;
  absl::Time event_time;
};

// A frame, or a part of one, that cannot be used; it is kept raw.
struct FrameRefused {
  // Stable word: "bad_json", "unknown_type", "invariant:<name>", ...
  std::string reason;
  std::string detail;
  std::string raw;
  // When the frame arrived; the batch's time when it is not set.
  std::optional<absl::Time> received_at = std::nullopt;
};

using FeedEvent = std::variant<LaunchSeen, Trade, CompletionSeen, MigrationSeen, FrameRefused>;

// How far a replayable feed has been read.
struct FeedPosition {
  // The reader that saves it: "recording".
  Word reader;
  // Identity of what is read (for a recording, derived from its content).
  std::string source;
  // Frames read from its start.
  uint64_t frames = 0;
};

// What a feed hands to the log at once.
struct FeedBatch {
  Word feed;
  // Wall clock of the arrival; for replayed frames the recorded one. Decides nothing but `received_at` of quarantine
  // and first sights without event time.
  absl::Time received_at;
  // When this process took it in, for latency.
  absl::Time arrived_at;
  std::vector<FeedEvent> events;
  // Saved together with the events when the feed can be replayed.
  std::optional<FeedPosition> position;
  // Quarantined frames these events were decoded from; they leave quarantine with the commit.
  std::vector<uint64_t> released_quarantine;
};

}  // namespace tokenwatch::detector

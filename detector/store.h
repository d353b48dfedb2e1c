// What the detector keeps, in domain types. Times are event times unless they say otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "chain/address.h"
#include "common/postgres/database_report.h"
#include "detector/feed_event.h"
#include "detector/token.h"
#include "detector/token_book.h"
#include "detector/trade.h"
#include "detector/trade_fields.h"

namespace tokenwatch::detector {

// The newest positions of everything that is counted.
struct LogHeads {
  uint64_t token_cursor = 0;
  uint64_t trade_cursor = 0;
  uint64_t quarantine_id = 0;
  // The latest event times among all trades, by whether they are the chain's own (see Trade::loose_time).
  absl::Time latest_trade = absl::InfinitePast();
  absl::Time latest_loose_trade = absl::InfinitePast();

  friend bool operator==(const LogHeads&, const LogHeads&) = default;
};

struct QuarantinedFrame {
  uint64_t id = 0;
  Word feed;
  std::string reason;
  std::string detail;
  std::string raw;
  bool raw_cut = false;
  absl::Time received_at;
};

// Everything one transaction writes.
struct Commit {
  LogHeads heads;
  std::vector<Trade> trades;
  std::vector<TokenEvent> events;
  // Pointers into the book that made them; valid while it lives.
  std::vector<const TokenBook::Page*> tokens;
  std::vector<QuarantinedFrame> quarantine;
  std::vector<uint64_t> released_quarantine;
  std::vector<FeedPosition> positions;
  // Claims that end without a name: (token, not to be claimed again before).
  std::vector<std::pair<chain::TokenRef, absl::Time>> returned_claims;

  bool empty() const {
    return trades.empty() && events.empty() && tokens.empty() && quarantine.empty() && released_quarantine.empty() &&
           positions.empty() && returned_claims.empty();
  }
};

// What identifies a trade that is in the log.
struct TradeIdentity {
  chain::TransactionId transaction;
  std::optional<uint32_t> event_index;
  chain::Address token;
  Side side = Side::kBuy;
  chain::Amount token_amount;
  absl::Time event_time;
  bool loose_time = false;
};

// The one connection that writes. It holds the log's leadership for as long as it lives: at most one exists in the
// whole platform, so what it has read stays true until it writes.
//
// One thread at a time. After any error it is to be destroyed and a new one opened: it does not know any more what the
// database holds.
class LogSession {
 public:
  virtual ~LogSession() = default;

  virtual absl::StatusOr<LogHeads> ReadHeads() = 0;
  // Identities of the newest `count` trades, oldest first.
  virtual absl::Status ReadRecentTrades(uint64_t count, const std::function<void(const TradeIdentity&)>& visit) = 0;
  // What the log has of the given transactions with event times from `earliest` to `latest`, whatever the index, in
  // log order.
  virtual absl::StatusOr<std::vector<TradeIdentity>> FindTrades(absl::Span<const chain::TransactionId> transactions,
                                                                absl::Time earliest, absl::Time latest) = 0;
  // The tokens that are known, in no order.
  virtual absl::StatusOr<std::vector<Token>> LoadTokens(absl::Span<const chain::TokenRef> refs) = 0;
  // All of it or nothing. UNKNOWN when the outcome is not known.
  virtual absl::Status Write(const Commit& commit) = 0;
};

struct TokenQuery {
  std::optional<TokenState> state;
  std::optional<chain::Chain> chain;
  std::optional<chain::Address> creator;
  // Only tokens older than this first cursor; 0 for no limit.
  uint64_t before = 0;
  int limit = 100;
};

struct SearchQuery {
  // Lower case.
  std::string text;
  std::optional<chain::Chain> chain;
  int offset = 0;
  int limit = 100;
};

struct TradeFilter {
  std::vector<chain::Chain> chains;
  std::vector<chain::Address> tokens;
  std::vector<chain::Address> traders;
  std::vector<Word> venues;
  std::optional<Side> side;

  bool empty() const { return chains.empty() && tokens.empty() && traders.empty() && venues.empty() && !side; }
  bool Matches(const Trade& trade) const;
};

struct TokenFilter {
  std::vector<chain::Chain> chains;
  std::vector<TokenEventKind> kinds;
  std::vector<TokenState> states;
  std::vector<chain::Address> creators;
  std::vector<Word> venues;

  bool Matches(const TokenEvent& event) const;
};

struct ClaimedToken {
  Token token;
  int claims = 0;
  absl::Time lease_until;
};

struct Consumer {
  std::string name;
  uint64_t cursor = 0;
  absl::Time updated_at;
};

struct Totals {
  LogHeads heads;
  int64_t detected = 0;
  int64_t pending = 0;
  int64_t migrated = 0;
  int64_t quarantined = 0;
  // Named tokens by source of the name, most first.
  std::vector<std::pair<std::string, int64_t>> named_by_source;
};

// What replicas share: reads, and small writes that need no leadership. Thread-safe. Errors are of the database:
// UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL.
class Store {
 public:
  virtual ~Store() = default;

  // Takes the log's leadership. Null when another process has it.
  virtual absl::StatusOr<std::unique_ptr<LogSession>> OpenLogSession(absl::Time deadline) = 0;

  virtual absl::StatusOr<LogHeads> ReadHeads(absl::Time deadline) = 0;
  // Visits trades after `after` up to and including `until`, in order, at most `limit` matching ones; each is valid
  // during its visit. Returns the cursor up to which everything has been examined.
  virtual absl::StatusOr<uint64_t> ReadTrades(uint64_t after, uint64_t until, const TradeFilter& filter, int limit,
                                              const std::function<void(const TradeFields&)>& visit,
                                              absl::Time deadline) = 0;
  // Visits those of the trades at `cursors` (growing) that are kept, in order.
  virtual absl::Status ReadTradesAt(absl::Span<const uint64_t> cursors,
                                    const std::function<void(const TradeFields&)>& visit, absl::Time deadline) = 0;
  // The oldest trade that is kept; nullopt when none is.
  virtual absl::StatusOr<std::optional<uint64_t>> OldestTrade(absl::Time deadline) = 0;
  // Events after `after`, in order, at most `limit`.
  virtual absl::StatusOr<std::vector<TokenEvent>> ReadEvents(uint64_t after, int limit, absl::Time deadline) = 0;

  virtual absl::StatusOr<std::vector<Token>> GetTokens(absl::Span<const chain::TokenRef> refs, absl::Time deadline) = 0;
  // Newest first.
  virtual absl::StatusOr<std::vector<Token>> ListTokens(const TokenQuery& query, absl::Time deadline) = 0;
  virtual absl::StatusOr<std::vector<Token>> SearchTokens(const SearchQuery& query, absl::Time deadline) = 0;

  // Leases up to `limit` pending tokens until now + lease.
  virtual absl::StatusOr<std::vector<ClaimedToken>> ClaimPending(const std::string& claimant, int limit, absl::Time now,
                                                                 absl::Duration lease, absl::Time deadline) = 0;

  virtual absl::StatusOr<Consumer> SaveConsumer(const std::string& name, uint64_t cursor, absl::Time now,
                                                absl::Time deadline) = 0;
  // After `after` by name, at most `limit`.
  virtual absl::StatusOr<std::vector<Consumer>> ListConsumers(const std::string& after, int limit,
                                                              absl::Time deadline) = 0;
  // NOT_FOUND when there is none.
  virtual absl::Status DeleteConsumer(const std::string& name, absl::Time deadline) = 0;

  // Newest first, ids below `before` (0 for no limit).
  virtual absl::StatusOr<std::vector<QuarantinedFrame>> ListQuarantine(const std::string& feed,
                                                                       const std::string& reason, uint64_t before,
                                                                       int limit, absl::Time deadline) = 0;
  // By id, or the oldest of `reason` (any when empty) when `ids` is empty.
  virtual absl::StatusOr<std::vector<QuarantinedFrame>> LoadQuarantine(absl::Span<const uint64_t> ids,
                                                                       const std::string& reason, int limit,
                                                                       absl::Time deadline) = 0;

  // How many frames of `source` were read; 0 when none.
  virtual absl::StatusOr<uint64_t> LoadPosition(const Word& reader, const std::string& source, absl::Time deadline) = 0;

  virtual absl::StatusOr<Totals> ReadTotals(absl::Time deadline) = 0;
  virtual absl::StatusOr<common::DatabaseReport> Diagnose(absl::Time deadline) = 0;

  // Keeps the trades of the newest `keep_days` days that have any, and whatever a registered consumer has yet to read;
  // drops the partitions of other days and returns their names. Days after `now` do not count as newest: one event with
  // a time in the future must not cost the past.
  virtual absl::StatusOr<std::vector<std::string>> DropOldTrades(int keep_days, absl::Time now,
                                                                 absl::Time deadline) = 0;
  // Deletes quarantined frames beyond the newest `max_quarantined`; returns how many.
  virtual absl::StatusOr<int64_t> TrimQuarantine(int64_t max_quarantined, absl::Time deadline) = 0;
};

}  // namespace tokenwatch::detector

// One group commit in the making: what the intake means against what is known.
//
// Not thread-safe; the writer makes one after another.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "detector/feed_event.h"
#include "detector/log/feed_board.h"
#include "detector/log/fingerprint.h"
#include "detector/log/trade_window.h"
#include "detector/store.h"
#include "detector/token_book.h"

namespace tokenwatch::detector {

// What one piece of intake came to.
struct IntakeOutcome {
  int accepted = 0;
  int duplicates = 0;
  int quarantined = 0;
  int named = 0;
  int returned = 0;
  int already_named = 0;
  int unknown = 0;
  // Everything of it is in the trade log at or before this cursor.
  uint64_t trade_cursor = 0;

  // Takes in the outcome of another part of the same intake.
  void Add(const IntakeOutcome& part);
};

// What somebody wants written: events of a feed, and resolutions.
struct Intake {
  FeedBatch batch;
  std::vector<Resolution> resolutions;
};

// Tokens that are known to be in one of the two tables. Bounded: the oldest are forgotten and asked for again, but only
// between commits, so that what a commit was judged by holds until its end.
class KnownTokens {
 public:
  explicit KnownTokens(size_t capacity) : capacity_(capacity) {}
  bool Contains(const chain::TokenRef& ref) const { return keys_.contains(Fingerprint(ref)); }
  void Add(const chain::TokenRef& ref);
  // Forgets the oldest down to the capacity.
  void Trim();
  void Clear();

 private:
  const size_t capacity_;
  absl::flat_hash_set<absl::uint128> keys_;
  std::deque<absl::uint128> order_;
};

// What the writer remembers between commits. After an error it is cleared and loaded again.
struct WriterMemory {
  WriterMemory(size_t window_trades, size_t known_tokens) : window(window_trades), known(known_tokens) {}
  LogHeads heads;
  TradeWindow window;
  KnownTokens known;
};

class Draft {
 public:
  struct Limits {
    // Longer frames are cut when they are quarantined.
    size_t max_raw_bytes = 64 * 1024;
  };

  // Works out the commit of `intake`. Reads what it needs through `session`, remembers new trades and tokens in
  // `memory`; when the commit fails, `memory` is of no use any more. `now` is the wall clock.
  static absl::StatusOr<std::unique_ptr<Draft>> Make(const std::vector<const Intake*>& intake, LogSession& session,
                                                     WriterMemory& memory, absl::Time now, const Limits& limits);

  const Commit& commit() const { return commit_; }
  // The commit after it was written; its tokens are valid as long as the draft.
  Commit TakeCommit() { return std::move(commit_); }
  // In the order of the intake.
  const std::vector<IntakeOutcome>& outcomes() const { return outcomes_; }
  // By feed, in the order of the intake.
  const std::vector<std::pair<Word, FeedCounts>>& feed_counts() const { return feed_counts_; }

 private:
  Draft(const std::vector<const Intake*>& intake, WriterMemory& memory, absl::Time now, const Limits& limits)
      : intake_(intake), memory_(memory), now_(now), limits_(limits) {}

  absl::Status AskLogForOldTrades(LogSession& session);
  // Which trades are new; and the tokens whose rows must be loaded for this commit.
  std::vector<chain::TokenRef> JudgeTrades();
  void Apply(TokenBook& book);
  void ApplyEvents(const Intake& intake, TokenBook& book, IntakeOutcome& outcome, FeedCounts& counts);
  void ApplyResolutions(const Intake& intake, TokenBook& book, IntakeOutcome& outcome);
  void Quarantine(const FeedBatch& batch, const FrameRefused& refused);

  const std::vector<const Intake*>& intake_;
  WriterMemory& memory_;
  const absl::Time now_;
  const Limits limits_;
  // For each trade of the intake in order: whether it is new.
  std::vector<bool> trade_is_new_;
  size_t next_trade_ = 0;
  std::unique_ptr<TokenBook> book_;
  Commit commit_;
  std::vector<IntakeOutcome> outcomes_;
  std::vector<std::pair<Word, FeedCounts>> feed_counts_;
};

}  // namespace tokenwatch::detector

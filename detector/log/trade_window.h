// Which trades are in the log already: exact, with bounded memory.
//
// The window remembers the newest trades. A trade older than what has left the window could have been logged and
// forgotten; such a trade is answered "ask the log", never guessed. Not thread-safe; the writer owns it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/numeric/int128.h"
#include "absl/time/time.h"
#include "detector/store.h"
#include "detector/trade.h"

namespace tokenwatch::detector {

class TradeWindow {
 public:
  // Feeds' clocks and the chain's may differ by this much about one trade.
  static constexpr absl::Duration kClockSlack = absl::Minutes(10);

  explicit TradeWindow(size_t capacity);

  enum class Verdict {
    kNew,
    kDuplicate,
    // Possibly logged and forgotten: ask the log for the transaction, Remember() what it has, and ask again with
    // `log_asked`.
    kAskLog,
  };
  // A trade with an event index is known by (transaction, index). One without is known by (transaction, token, side,
  // token amount), and one with an index is also known when a trade without index took its place before: each such
  // trade stands for one with an index.
  Verdict Judge(const TradeIdentity& trade, bool log_asked = false);

  // Records a trade that is in the log, or is about to be.
  void Remember(const TradeIdentity& trade);

  size_t size() const { return entries_.size(); }
  size_t capacity() const { return capacity_; }
  void Clear();

 private:
  // 128 bits of two independently salted hashes: among the trades of a year two unequal ones meet with a probability
  // below 1e-18.
  using Key = absl::uint128;
  struct Entry {
    Key by_index;
    Key by_content;
    absl::Time event_time;
    bool has_index;
    bool loose_time;
  };
  struct Content {
    uint32_t total = 0;
    // Of these, trades without index that no trade with an index has claimed yet.
    uint32_t unclaimed = 0;
  };

  static Key IndexKey(const TradeIdentity& trade);
  static Key ContentKey(const TradeIdentity& trade);
  bool MayBeForgotten(const TradeIdentity& trade) const;
  void EvictOldest();

  const size_t capacity_;
  std::deque<Entry> entries_;
  absl::flat_hash_map<Key, uint32_t> by_index_;
  absl::flat_hash_map<Key, Content> by_content_;
  // Newest event times among what was evicted, by whether they are the chain's own.
  absl::Time horizon_ = absl::InfinitePast();
  absl::Time loose_horizon_ = absl::InfinitePast();
};

TradeIdentity IdentityOf(const Trade& trade);

}  // namespace tokenwatch::detector

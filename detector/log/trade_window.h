// Which trades are in the log already: exact, with bounded memory.
//
// The window remembers the newest trades. A trade older than what has left the window could have been logged and
// forgotten; about such a trade the log itself must be asked, nothing is guessed. What it knows changes by forgetting
// only in Trim(), so that what was asked at the beginning of a commit holds until its end. Not thread-safe; the writer
// owns it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
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

  // Whether the trade is in the window, in any of the forms in which a feed may tell of it.
  //
  // A trade with an event index is known by (transaction, index). One without is known by (transaction, token, side,
  // token amount); one with an index is also known when a trade without index took its place before.
  bool Knows(const TradeIdentity& trade) const;

  // Whether a trade that the window does not know may have been logged and forgotten. Then the log must be asked for
  // its transaction, and what it has be handed to RememberLogged() in log order, before the trade is judged by Admit().
  bool MustAskLog(const TradeIdentity& trade) const;

  // How far from its event time the log must be searched for a trade.
  absl::Duration SearchSlack(const TradeIdentity& trade) const {
    const bool any_loose = trade.loose_time || loose_horizon_ != absl::InfinitePast();
    return any_loose ? kClockSlack : absl::ZeroDuration();
  }

  // True for a new trade, which is remembered; false for one that is known. A trade without index stands for one trade
  // with an index: the first such to come is taken for it.
  bool Admit(const TradeIdentity& trade);

  // Records a trade that is in the log and was not handed in before.
  void Remember(const TradeIdentity& trade);
  // The same for one that may be in the window already.
  void RememberLogged(const TradeIdentity& trade);
  // Forgets the oldest down to the capacity.
  void Trim();
  // Says that the log holds trades, not remembered here, with event times up to these.
  void SetHorizon(absl::Time chain_time, absl::Time loose_time);

  size_t size() const { return entries_.size(); }
  size_t capacity() const { return capacity_; }
  void Clear();

 private:
  using Key = absl::uint128;
  struct Entry {
    Key by_index;
    Key by_content;
    absl::Time event_time;
    bool has_index;
    bool loose_time;
    // Took the place of a trade without index.
    bool claims;
  };
  struct Content {
    uint32_t total = 0;
    // Of these, trades without index that no trade with an index has claimed yet.
    uint32_t unclaimed = 0;
    // Entries that show a trade without index to be known: itself, and the one that claimed it.
    uint32_t without_index = 0;
  };

  struct Keys {
    explicit Keys(const TradeIdentity& trade);
    Key by_index;
    Key by_content;
  };

  bool Knows(const TradeIdentity& trade, const Keys& keys) const;
  bool MayBeForgotten(const TradeIdentity& trade) const;
  void Add(const TradeIdentity& trade, const Keys& keys, bool claims);
  void EvictOldest();

  const size_t capacity_;
  std::deque<Entry> entries_;
  absl::flat_hash_set<Key> by_index_;
  absl::flat_hash_map<Key, Content> by_content_;
  // Newest event times among what was evicted, by whether they are the chain's own.
  absl::Time horizon_ = absl::InfinitePast();
  absl::Time loose_horizon_ = absl::InfinitePast();
};

TradeIdentity IdentityOf(const Trade& trade);

}  // namespace tokenwatch::detector

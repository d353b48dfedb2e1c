// Everything the fold knows of one token against one quote asset. A pure function of the trades in it, whatever the
// order in which they came, but for the hot score and the order of the venues, which follow the log. Values; not
// thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "chain/address.h"
#include "chain/amount.h"
#include "pricing/fold/held_point.h"
#include "pricing/fold/trader_count.h"
#include "pricing/price_point.h"
#include "pricing/ratio.h"
#include "pricing/trade.h"

namespace tokenwatch::pricing {

// What a token is worth depends on what it is paid in, so prices in different quote assets never mix.
struct SeriesKey {
  chain::TokenRef token;
  chain::Address quote;

  friend bool operator==(const SeriesKey& a, const SeriesKey& b) { return a.token == b.token && a.quote == b.quote; }
  template <typename H>
  friend H AbslHashValue(H state, const SeriesKey& key) {
    return H::combine(std::move(state), key.token, key.quote);
  }
};

// One place where the series trades.
struct VenueState {
  Word venue;
  // The newest by Moment; none while no trade there was a price.
  HeldPoint last;
  chain::Amount quote_volume;
  uint64_t trades = 0;

  // Those that the trade of `last` left behind, when its feed tells.
  std::optional<Reserves> reserves() const;

  friend bool operator==(const VenueState&, const VenueState&) = default;
};

struct Series {
  SeriesKey key;
  // The newest by Moment. Trades without a price count in volume and trades only.
  HeldPoint last;
  // The highest by value; of equal ones the earliest by Moment.
  HeldPoint high;
  HeldPoint low;
  Moment first;
  Moment newest;
  // The highest cursor folded in: a trade at or below it is in already. Trades of one series come with growing cursors.
  uint64_t cursor = 0;
  // Up to where its trades are in candles too: the same, but in rows that were written without the chunk that is still
  // open, and until the trades after it have been folded again.
  uint64_t candle_cursor = 0;
  chain::Amount quote_volume;
  chain::Amount token_volume;
  uint64_t trades = 0;
  uint64_t buys = 0;
  // Trades whose feed does not name the trader are not in it.
  TraderCount traders;
  // See hot_score.h.
  double hot_score = 0;
  // At most kMaxVenues, in order of first trade; further venues count in the series and not here.
  // Nearly all have one.
  absl::InlinedVector<VenueState, 1> venues;
  // Earlier trades are not in it: the log no longer had them when the series was made.
  bool is_partial = false;

  static constexpr size_t kMaxVenues = 8;

  friend bool operator==(const Series&, const Series&) = default;
};

// Whether a price was made later, or is higher or lower, than the one held so far; then it takes its place. Their order
// does not matter.
bool TakeNewer(const HeldPoint& point, HeldPoint& last);
bool TakeHigher(const HeldPoint& point, HeldPoint& high);
bool TakeLower(const HeldPoint& point, HeldPoint& low);

struct AddedTrade {
  // It is the newest price now.
  bool price_changed = false;
  // It is in none of the venues, because there are kMaxVenues others.
  bool venue_left_out = false;
};
// Adds a trade of the series that is not in it yet. `price` is what PriceOf says of it; `whole_quote` its quote amount
// in whole units, for the hot score.
AddedTrade AddTrade(const Trade& trade, const std::optional<TradePrice>& price, double whole_quote, Series& series);

}  // namespace tokenwatch::pricing

// What happened to a price in one minute: the unit that is stored. Longer candles are merged from minutes; seconds are
// folded from the log on demand.
//
// Merging is commutative and associative, so the order in which trades arrive does not matter; only counting a trade
// twice would. Values; any thread.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "chain/amount.h"
#include "pricing/ratio.h"
#include "pricing/trade.h"

namespace tokenwatch::pricing {

struct Candle {
  // A multiple of its interval since the epoch.
  absl::Time start;
  Ratio open;
  Ratio high;
  Ratio low;
  Ratio close;
  // Of the trades that open and close stand for.
  Moment open_at;
  Moment close_at;
  chain::Amount quote_volume;
  chain::Amount token_volume;
  uint64_t trades = 0;
  uint64_t buys = 0;
  // Where in the log the trades are.
  uint64_t min_cursor = 0;
  uint64_t max_cursor = 0;

  friend bool operator==(const Candle&, const Candle&) = default;
};

enum class Interval : uint8_t { k1s = 1, k1m = 2, k5m = 3, k1h = 4, k1d = 5 };
absl::Duration Length(Interval interval);
// The start of the interval that holds `time`; days are UTC days. Times are whole nanoseconds between the years 1677
// and 2262; others are taken for the nearest of these.
absl::Time StartOf(Interval interval, absl::Time time);
// The same for any length of at least a nanosecond.
absl::Time FloorTime(absl::Time time, absl::Duration step);

// A candle of one trade. A trade without a price (see PriceOf) makes none; the caller checks.
Candle CandleOf(const Trade& trade, const Ratio& price, Interval interval);
// Adds `from`, of the same or a shorter interval inside it, to `into`. Of two highs (or lows) that are equal by value
// the pair of smaller integers stays, so that the outcome does not depend on the order. Volumes that leave 256 bits
// saturate.
void Merge(const Candle& from, Candle& into);

}  // namespace tokenwatch::pricing

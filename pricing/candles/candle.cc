#include "pricing/candles/candle.h"

#include <algorithm>
#include <compare>
#include <limits>

#include "pricing/amount_math.h"

namespace tokenwatch::pricing {
namespace {

// Any order of pairs of integers would do, as long as it is one: it decides between equals.
bool SmallerPair(const Ratio& a, const Ratio& b) {
  return a.token_units != b.token_units ? a.token_units < b.token_units : a.quote_units < b.quote_units;
}

bool Before(const Moment& a, const Ratio& a_ratio, const Moment& b, const Ratio& b_ratio) {
  return a < b || (a == b && SmallerPair(a_ratio, b_ratio));
}

}  // namespace

absl::Duration Length(Interval interval) {
  switch (interval) {
    case Interval::k1s:
      return absl::Seconds(1);
    case Interval::k1m:
      return absl::Minutes(1);
    case Interval::k5m:
      return absl::Minutes(5);
    case Interval::k1h:
      return absl::Hours(1);
    case Interval::k1d:
      return absl::Hours(24);
  }
  return absl::Minutes(1);
}

absl::Time FloorTime(absl::Time time, absl::Duration step) {
  const int64_t nanos = absl::ToUnixNanos(time);
  const int64_t length = absl::ToInt64Nanoseconds(step);
  int64_t past = nanos % length;
  if (past < 0) past += length;
  // Times out of the range of nanoseconds are cut to it: only the step that is cut off at its beginning starts late.
  return absl::FromUnixNanos(nanos < std::numeric_limits<int64_t>::min() + past ? nanos : nanos - past);
}

absl::Time StartOf(Interval interval, absl::Time time) { return FloorTime(time, Length(interval)); }

Candle CandleOf(const Trade& trade, const Ratio& price, Interval interval) {
  Candle candle;
  candle.start = StartOf(interval, trade.event_time);
  candle.open = candle.high = candle.low = candle.close = price;
  candle.open_at = candle.close_at = MomentOf(trade);
  candle.quote_volume = trade.quote_amount;
  candle.token_volume = trade.token_amount;
  candle.trades = 1;
  candle.buys = trade.is_buy ? 1 : 0;
  candle.min_cursor = candle.max_cursor = trade.cursor;
  return candle;
}

void Merge(const Candle& from, Candle& into) {
  if (Before(from.open_at, from.open, into.open_at, into.open)) {
    into.open = from.open;
    into.open_at = from.open_at;
  }
  if (Before(into.close_at, into.close, from.close_at, from.close)) {
    into.close = from.close;
    into.close_at = from.close_at;
  }
  const auto high = Compare(from.high, into.high);
  if (std::is_gt(high) || (std::is_eq(high) && SmallerPair(from.high, into.high))) into.high = from.high;
  const auto low = Compare(from.low, into.low);
  if (std::is_lt(low) || (std::is_eq(low) && SmallerPair(from.low, into.low))) into.low = from.low;
  AddSaturating(from.quote_volume, into.quote_volume);
  AddSaturating(from.token_volume, into.token_volume);
  into.trades += from.trades;
  into.buys += from.buys;
  into.min_cursor = std::min(into.min_cursor, from.min_cursor);
  into.max_cursor = std::max(into.max_cursor, from.max_cursor);
}

}  // namespace tokenwatch::pricing

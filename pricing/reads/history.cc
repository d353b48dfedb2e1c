#include "pricing/reads/history.h"

#include <vector>

#include "pricing/reads/candle_reader.h"

namespace tokenwatch::pricing {
namespace {

// The newest of those at or before `at`.
std::optional<PricePoint> NewestAt(const std::vector<Trade>& trades, absl::Time at) {
  std::optional<PricePoint> newest;
  for (const Trade& trade : trades) {
    if (trade.event_time > at || (newest.has_value() && !(newest->at < MomentOf(trade)))) continue;
    if (const std::optional<PricePoint> point = PointOf(trade)) newest = point;
  }
  return newest;
}

// The last minute that has a price at or before `at`.
std::optional<Candle> LastMinute(const CandleChunk& chunk, absl::Time at) {
  std::optional<Candle> last;
  for (const Candle& minute : chunk.Candles()) {
    if (minute.open_at.event_time > at) break;
    last = minute;
  }
  return last;
}

}  // namespace

absl::StatusOr<std::optional<PriceInputs>> History::FindAt(const chain::TokenRef& token, const chain::Address& quote,
                                                           absl::Time at, absl::Time deadline) const {
  const auto all = series_.Read(token, quote, deadline);
  if (!all.ok()) return all.status();
  std::optional<PriceInputs> newest;
  for (const Series& series : *all) {
    const auto point = FindInSeries(series, at, deadline);
    if (!point.ok()) return point.status();
    if (!point->has_value() || (newest.has_value() && !(newest->point.at < (*point)->at))) continue;
    newest = PriceInputs{series.key, **point, 0, FixedDecimals(series)};
  }
  return newest;
}

absl::StatusOr<std::optional<PricePoint>> History::FindInSeries(const Series& series, absl::Time at,
                                                                absl::Time deadline) const {
  if (series.last && series.last.at().event_time <= at) return *series.last;
  const auto part = minutes_.Read(series.key, at, at, 1, deadline);
  if (!part.ok()) return part.status();
  std::optional<Candle> minute;
  if (!part->chunks.empty()) minute = LastMinute(part->chunks.front(), at);
  if (!minute.has_value()) {
    const auto before = minutes_.Before(series.key, ChunkStart(at), deadline);
    if (!before.ok()) return before.status();
    if (before->has_value()) minute = LastMinute(**before, at);
  }
  if (minute.has_value()) {
    return minute->close_at.event_time <= at ? CloseOf(series.key, *minute, deadline)
                                             : FindInside(series.key, *minute, at, deadline);
  }
  const auto parked = series_.ParkedTrades(series.key, deadline);
  if (!parked.ok()) return parked.status();
  return NewestAt(*parked, at);
}

absl::StatusOr<std::optional<PricePoint>> History::FindInside(const SeriesKey& key, const Candle& minute, absl::Time at,
                                                              absl::Time deadline) const {
  const auto trades = ReadMinute(detector_, key, minute, options_.max_trades, deadline);
  if (!trades.ok()) return trades.status();
  return NewestAt(*trades, at);
}

absl::StatusOr<std::optional<PricePoint>> History::CloseOf(const SeriesKey& key, const Candle& minute,
                                                           absl::Time deadline) const {
  const uint64_t cursor = minute.close_at.cursor;
  const auto trades = detector_.GetTrades({&cursor, 1}, deadline);
  if (!trades.ok()) return trades.status();
  for (const Trade& trade : *trades) {
    if (trade.cursor == cursor && trade.token == key.token && trade.quote == key.quote) return PointOf(trade);
  }
  PricePoint point;
  point.ratio = minute.close;
  point.at = minute.close_at;
  return point;
}

}  // namespace tokenwatch::pricing

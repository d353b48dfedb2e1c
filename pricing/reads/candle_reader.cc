#include "pricing/reads/candle_reader.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pricing/ratio.h"

namespace tokenwatch::pricing {
namespace {

constexpr int kChunksAtOnce = 100;
constexpr int kTradesAtOnce = 5000;

// Gathers candles in order of time and cuts the page at its limit.
class PageBuilder {
 public:
  explicit PageBuilder(const CandleQuery& query)
      : interval_(query.interval),
        limit_(static_cast<size_t>(query.limit)),
        first_(StartOf(query.interval, query.from)),
        last_(StartOf(query.interval, query.to)) {}

  // False when the page is full: the candle belongs to the next one.
  bool Add(Candle candle) {
    candle.start = StartOf(interval_, candle.start);
    if (candle.start < first_ || candle.start > last_) return true;
    std::vector<Candle>& candles = page_.candles;
    if (!candles.empty() && candles.back().start == candle.start) {
      Merge(candle, candles.back());
      return true;
    }
    if (candles.size() >= limit_) {
      page_.next = candle.start;
      return false;
    }
    candles.push_back(candle);
    return true;
  }

  // Ends the page where everything before `position` has been added and nothing after it: a candle that reaches beyond
  // is left to the next page.
  void CutAt(absl::Time position) {
    page_.next = position;
    if (page_.candles.empty() || page_.candles.back().start + Length(interval_) <= position) return;
    page_.next = page_.candles.back().start;
    page_.candles.pop_back();
  }

  bool empty() const { return page_.candles.empty(); }
  absl::Time first() const { return first_; }
  // The end of the last interval.
  absl::Time end() const { return last_ + Length(interval_); }
  CandlePage Take() { return std::move(page_); }

 private:
  const Interval interval_;
  const size_t limit_;
  const absl::Time first_;
  const absl::Time last_;
  CandlePage page_;
};

// Candles of trades, by their start.
std::map<absl::Time, Candle> FoldTrades(const std::vector<Trade>& trades, Interval interval) {
  std::map<absl::Time, Candle> candles;
  for (const Trade& trade : trades) {
    const std::optional<TradePrice> price = PriceOf(trade);
    if (!price.has_value()) continue;
    const Candle candle = CandleOf(trade, price->ratio, interval);
    const auto [place, added] = candles.try_emplace(candle.start, candle);
    if (!added) Merge(candle, place->second);
  }
  return candles;
}

}  // namespace

absl::StatusOr<std::vector<Trade>> ReadMinute(Detector& detector, const SeriesKey& key, const Candle& minute,
                                              size_t max_trades, absl::Time deadline) {
  std::vector<Trade> found;
  size_t examined = 0;
  uint64_t first = minute.min_cursor;
  while (first <= minute.max_cursor) {
    auto trades = detector.ReadTrades(key.token, first, minute.max_cursor, kTradesAtOnce, deadline);
    if (!trades.ok()) return trades.status();
    for (const Trade& trade : *trades) {
      if (trade.quote != key.quote || StartOf(Interval::k1m, trade.event_time) != minute.start) continue;
      if (PriceOf(trade).has_value()) found.push_back(trade);
    }
    if (trades->size() < kTradesAtOnce) break;
    examined += trades->size();
    if (examined > max_trades) {
      return absl::ResourceExhaustedError(absl::StrCat("the minute from ", absl::FormatTime(minute.start),
                                                       " has too many trades to be read one by one"));
    }
    first = trades->back().cursor + 1;
  }
  if (found.size() >= minute.trades) return found;
  return absl::OutOfRangeError(absl::StrCat("the log no longer keeps the trades of the minute from ",
                                            absl::FormatTime(absl::RFC3339_sec, minute.start, absl::UTCTimeZone()),
                                            ": what lies inside a minute is not known any more"));
}

absl::StatusOr<CandlePage> CandleReader::Read(const CandleQuery& query, absl::Time deadline) const {
  auto page = query.interval == Interval::k1s ? ReadSeconds(query, deadline) : ReadMerged(query, deadline);
  if (!page.ok() || !page->candles.empty() || page->next.has_value()) return page;
  return ReadParked(query, deadline);
}

absl::StatusOr<CandlePage> CandleReader::ReadMerged(const CandleQuery& query, absl::Time deadline) const {
  PageBuilder page(query);
  absl::Time position = page.first();
  for (int chunks = 0; position < page.end();) {
    const auto part = minutes_.Read(query.key, position, page.end() - absl::Nanoseconds(1), kChunksAtOnce, deadline);
    if (!part.ok()) return part.status();
    for (const CandleChunk& chunk : part->chunks) {
      for (const Candle& minute : chunk.Candles()) {
        if (!page.Add(minute)) return page.Take();
      }
    }
    if (!part->next.has_value()) break;
    position = *part->next;
    chunks += static_cast<int>(part->chunks.size());
    if (chunks >= options_.max_chunks) {
      page.CutAt(position);
      break;
    }
  }
  return page.Take();
}

absl::StatusOr<CandlePage> CandleReader::ReadSeconds(const CandleQuery& query, absl::Time deadline) const {
  PageBuilder page(query);
  size_t trades_read = 0;
  absl::Time position = page.first();
  while (position < page.end()) {
    const auto part = minutes_.Read(query.key, position, page.end() - absl::Nanoseconds(1), kChunksAtOnce, deadline);
    if (!part.ok()) return part.status();
    for (const CandleChunk& chunk : part->chunks) {
      for (const Candle& minute : chunk.Candles()) {
        if (minute.start + absl::Minutes(1) <= page.first()) continue;
        if (minute.start >= page.end()) return page.Take();
        if (trades_read > 0 && trades_read + minute.trades > options_.max_trades) {
          page.CutAt(minute.start);
          return page.Take();
        }
        const auto trades = ReadMinute(detector_, query.key, minute, options_.max_trades, deadline);
        if (!trades.ok()) return trades.status();
        trades_read += trades->size();
        for (const auto& [start, second] : FoldTrades(*trades, Interval::k1s)) {
          if (!page.Add(second)) return page.Take();
        }
      }
    }
    if (!part->next.has_value()) break;
    position = *part->next;
  }
  return page.Take();
}

absl::StatusOr<CandlePage> CandleReader::ReadParked(const CandleQuery& query, absl::Time deadline) const {
  const auto trades = series_.ParkedTrades(query.key, deadline);
  if (!trades.ok()) return trades.status();
  PageBuilder page(query);
  for (const auto& [start, candle] : FoldTrades(*trades, query.interval)) {
    if (!page.Add(candle)) break;
  }
  return page.Take();
}

}  // namespace tokenwatch::pricing

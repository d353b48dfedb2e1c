#include "pricing/fold/hot_entry.h"

#include <cstddef>
#include <utility>

#include "chain/solana/quote_tokens.h"
#include "pricing/amount_math.h"

namespace tokenwatch::pricing {
namespace {

double UnitsPerWhole(const SeriesKey& key) {
  if (key.token.chain != chain::Chain::kSolana) return 0;
  const chain::QuoteToken* quote = chain::FindQuoteToken(key.quote);
  if (quote == nullptr) return 0;
  double units = 1;
  for (int i = 0; i < quote->decimals; ++i) units *= 10;
  return units;
}

void AddCandle(const Candle& candle, HotEntry& entry, FoldedTrade& folded) {
  const absl::Time start = ChunkStart(candle.start);
  HotChunk* held = entry.FindChunk(start);
  const bool newest = entry.chunks.empty() || entry.chunks.back().chunk.start() <= start;
  if (held == nullptr) held = &entry.AddChunk(CandleChunk(start));
  // A chunk from the database may have more than the series had when it was read.
  if (candle.max_cursor <= held->chunk.max_cursor()) return;
  const size_t before = held->chunk.size();
  folded.late_candle = !held->chunk.Add(candle) || !newest;
  folded.new_candle = held->chunk.size() > before;
  if (held->dirty) return;
  held->dirty = true;
  held->dirty_since = candle.max_cursor;
  held->dirty_at = candle.close_at.event_time;
}

}  // namespace

HotEntry::HotEntry(const SeriesKey& key) : units_per_whole(UnitsPerWhole(key)) { series.key = key; }

HotChunk& HotEntry::AddChunk(CandleChunk chunk) {
  size_t at = chunks.size();
  while (at > 0 && chunks[at - 1].chunk.start() > chunk.start()) --at;
  // Nearly all series have one.
  chunks.reserve(chunks.size() + 1);
  return *chunks.emplace(chunks.begin() + static_cast<ptrdiff_t>(at), std::move(chunk));
}

FoldedTrade FoldTrade(const Trade& trade, HotEntry& entry) {
  FoldedTrade folded;
  const std::optional<TradePrice> price = PriceOf(trade);
  const double whole = entry.units_per_whole > 0 ? ToDouble(trade.quote_amount) / entry.units_per_whole : 0;
  const AddedTrade added = AddTrade(trade, price, whole, entry.series);
  folded.price_changed = added.price_changed;
  folded.venue_left_out = added.venue_left_out;
  folded.has_price = price.has_value();
  if (price) AddCandle(CandleOf(trade, price->ratio, Interval::k1m), entry, folded);
  return folded;
}

void FoldIntoCandles(const Trade& trade, HotEntry& entry) {
  FoldedTrade folded;
  if (const std::optional<TradePrice> price = PriceOf(trade)) {
    AddCandle(CandleOf(trade, price->ratio, Interval::k1m), entry, folded);
  }
  entry.series.candle_cursor = trade.cursor;
}

size_t MemoryOf(const HotEntry& entry) {
  constexpr size_t kBlock = 16;
  size_t bytes = sizeof(HotEntry) + 7 * kBlock;
  for (const HeldPoint* point : {&entry.series.last, &entry.series.high, &entry.series.low}) {
    bytes += point->memory();
  }
  if (entry.series.venues.capacity() > 1) bytes += entry.series.venues.capacity() * sizeof(VenueState);
  for (const VenueState& venue : entry.series.venues) {
    if (!venue.last.shares_with(entry.series.last)) bytes += venue.last.memory();
  }
  bytes += entry.series.traders.memory();
  if (entry.rowless != nullptr) {
    bytes += sizeof(RowlessTrades) + 2 * kBlock + entry.rowless->cursors.capacity() * sizeof(uint64_t);
  }
  bytes += entry.chunks.capacity() * sizeof(HotChunk);
  for (const HotChunk& held : entry.chunks) bytes += held.chunk.memory();
  return bytes;
}

}  // namespace tokenwatch::pricing

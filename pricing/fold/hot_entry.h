// A series in memory with what the fold needs besides, and the way in which the fold changes the hot set.
//
// `series` and `chunks` are changed under the lock of the entry's shard, because readers see them; everything else
// belongs to the fold and its lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "pricing/candles/candle_chunk.h"
#include "pricing/fold/entry_list.h"
#include "pricing/fold/hot_set.h"
#include "pricing/fold/series.h"

namespace tokenwatch::pricing {

// A chunk in memory has all candles of its time, whatever is in the database.
struct HotChunk {
  explicit HotChunk(CandleChunk from) : chunk(std::move(from)) {}

  CandleChunk chunk;
  // It has what no row has; changed since the flush in flight took it, if one has.
  bool dirty = false;
  bool in_flight = false;
  // While it is dirty: the first trade that no row has, and its event time.
  uint64_t dirty_since = 0;
  absl::Time dirty_at;
};

// Of a series without a row.
struct RowlessTrades {
  // Those before it was kept, growing.
  std::vector<uint64_t> cursors;
  // How many of them are parked in the database, or will be when the flush in flight is written.
  size_t parked = 0;
  size_t parking = 0;
  // What they were worth, as far as that is known.
  double usd = 0;
};

struct HotEntry {
  explicit HotEntry(const SeriesKey& key);

  // The chunk that starts then; null when it is not in memory.
  HotChunk* FindChunk(absl::Time start) {
    // Nearly always the newest.
    for (size_t i = chunks.size(); i-- > 0;) {
      if (chunks[i].chunk.start() == start) return &chunks[i];
    }
    return nullptr;
  }
  // Puts a chunk in its place. Precondition: it is not in memory.
  HotChunk& AddChunk(CandleChunk chunk);

  Series series;
  // Oldest first. Of a kept series only those that are dirty or in use; of others all there are.
  std::vector<HotChunk> chunks;

  // Worth rows; once so, always. Since the trade with that cursor; 0 when it came with a row.
  bool kept = false;
  uint64_t kept_since = 0;
  // Some of it is in the flush in flight.
  bool in_flight = false;
  // In the list of those that wait to leave, and not in that of the idle.
  bool leaving = false;
  // Part of the present batch's news.
  bool told = false;
  // Whether it is in the hot set yet, and not alone there of its token.
  bool is_in = false;
  bool has_siblings = false;
  uint32_t shard = 0;

  // Null once it has a row.
  std::unique_ptr<RowlessTrades> rowless = std::make_unique<RowlessTrades>();

  // Base units in a whole unit of the quote asset; 0 when its decimals are not known.
  double units_per_whole = 0;

  // Not 0: it has changes that are in no row; the first is by this trade, made at `dirty_at` of the log's time.
  uint64_t dirty_since = 0;
  absl::Time dirty_at;
  ListHook dirty_hook;

  // Of the log's time: when it was last changed, and when it was put where it is among the idle.
  absl::Time touched;
  absl::Time listed_at;
  ListHook idle_hook;
  // What it was last counted with, in bytes.
  size_t bytes = 0;

  // Next series of the same token.
  HotEntry* sibling = nullptr;
};

// What a trade changed.
struct FoldedTrade {
  bool price_changed = false;
  bool has_price = false;
  // Its minute was not the newest of the series.
  bool late_candle = false;
  // It is the first of its minute.
  bool new_candle = false;
  bool venue_left_out = false;
};
// Adds a trade of the series that is not in it yet to the series and its candles. Precondition: the chunk of its time
// is in memory, or there is none.
FoldedTrade FoldTrade(const Trade& trade, HotEntry& entry);
// Adds a trade that is in the series to its candles, unless it is there too (see Series::candle_cursor). The same
// precondition.
void FoldIntoCandles(const Trade& trade, HotEntry& entry);

// What it holds in memory, itself included; not exact, because allocators are not.
size_t MemoryOf(const HotEntry& entry);

// For the one thread that changes the set.
class HotSet::Writer {
 public:
  explicit Writer(HotSet& set) : set_(set) {}

  // Null when it is not there. Valid until it is taken out.
  HotEntry* Find(const chain::TokenRef& token, const chain::Address& quote) const;
  // All series of a token, linked by `sibling`.
  HotEntry* FindFirst(const chain::TokenRef& token) const;
  // Precondition: there is none of that key.
  void Insert(std::unique_ptr<HotEntry> entry);
  std::unique_ptr<HotEntry> Take(HotEntry& entry);
  void Clear();
  // Protects what readers see of the entry.
  common::Mutex& MutexOf(const HotEntry& entry) const;

 private:
  HotSet& set_;
};

}  // namespace tokenwatch::pricing

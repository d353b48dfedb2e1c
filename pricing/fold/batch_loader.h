// Finds the series of a batch's trades and fetches what of them is not in memory, before anything is changed. For the
// thread that folds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "pricing/fold/fold.h"
#include "pricing/fold/hot_entry.h"
#include "pricing/fold/parking_lot.h"

namespace tokenwatch::pricing {

class BatchLoader {
 public:
  // A series that was not in memory.
  struct Fresh {
    std::unique_ptr<HotEntry> entry;
    ParkingLot::Place place = ParkingLot::Place::kUnknown;
    // Of a parked one: where its trades are, and those that the log still has. They are not folded in yet.
    std::vector<uint64_t> cursors;
    std::vector<Trade> trades;
    // Of one without rows: trades before the log's beginning may be missing.
    bool is_partial = false;
  };
  struct Chunk {
    HotEntry* entry;
    absl::Time start;
    // Null when there is no such row.
    std::unique_ptr<CandleChunk> chunk;
  };

  explicit BatchLoader(FoldHistory& history) : history_(history) {}

  // First, under the fold's lock: what there is in memory. `trades` must outlive the next two.
  void Plan(absl::Span<const Trade> trades, uint64_t position, const HotSet::Writer& hot, const ParkingLot& lot);
  // Then, without locks: the rest, of a log that began at `log_began` (InfinitePast: it is whole). Errors are those of
  // FoldHistory; DATA_LOSS for rows that are missing or damaged.
  absl::Status Fetch(absl::Time log_began);

  // Of each trade; null for those at or below the position.
  HotEntry* entry_of(size_t trade) const { return entries_[trade]; }
  std::vector<Fresh>& fresh() { return fresh_; }
  std::vector<Chunk>& chunks() { return chunks_; }
  // Rows read.
  size_t loads() const { return loads_; }

 private:
  void NeedChunk(HotEntry& entry, const Trade& trade);
  // Those that have one become kept.
  absl::Status FetchRows(const std::vector<SeriesKey>& keys);
  absl::Status FetchSeries();
  absl::Status FetchTrades();
  absl::Status FetchChunks();
  absl::Status FindPartial(absl::Time log_began);

  FoldHistory& history_;
  absl::Span<const Trade> trades_;
  std::vector<HotEntry*> entries_;
  std::vector<Fresh> fresh_;
  absl::flat_hash_map<SeriesKey, size_t> fresh_index_;
  std::vector<Chunk> chunks_;
  size_t loads_ = 0;
};

}  // namespace tokenwatch::pricing

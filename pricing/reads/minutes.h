// The minute candles of a series, wherever they are: in memory, and before that in the database.
#pragma once

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "pricing/candles/candle_chunk.h"
#include "pricing/fold/hot_set.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

// Thread-safe; calls block. Errors are the store's; DATA_LOSS for a row that cannot be read.
class MinuteReader {
 public:
  MinuteReader(const HotSet& hot, Store& store) : hot_(hot), store_(store) {}

  struct Part {
    std::vector<CandleChunk> chunks;
    // Where to go on; nullopt when there is no chunk after these.
    std::optional<absl::Time> next;
  };
  // Chunks that overlap [from, to], oldest first: all of them, or the first `limit` and a few.
  absl::StatusOr<Part> Read(const SeriesKey& key, absl::Time from, absl::Time to, int limit, absl::Time deadline) const;
  // The newest chunk that starts before `before`.
  absl::StatusOr<std::optional<CandleChunk>> Before(const SeriesKey& key, absl::Time before, absl::Time deadline) const;

 private:
  const HotSet& hot_;
  Store& store_;
};

}  // namespace tokenwatch::pricing

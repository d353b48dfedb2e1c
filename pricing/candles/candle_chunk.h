// The minute candles of one series in one chunk of time (kChunkLength), packed: what one row of the table candles
// holds, and how candles are held in memory.
//
// Each minute takes about 40 bytes (see candle_codec.h). The bytes are the same for the same candles, whatever the
// order they came in. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pricing/candles/candle.h"
#include "pricing/candles/candle_codec.h"

namespace tokenwatch::pricing {

inline constexpr int kChunkMinutes = 120;
inline constexpr absl::Duration kChunkLength = absl::Minutes(kChunkMinutes);
absl::Time ChunkStart(absl::Time time);

class CandleChunk {
 public:
  // Precondition: start == ChunkStart(start).
  explicit CandleChunk(absl::Time start) : start_(start) {}
  // INVALID_ARGUMENT when the bytes are none that Encode() made: bounded in time and memory for any input.
  static absl::StatusOr<CandleChunk> Decode(absl::Time start, absl::string_view bytes);

  absl::Time start() const { return start_; }
  bool empty() const { return count_ == 0; }
  size_t size() const { return count_; }
  // The highest cursor among the trades of all minutes; 0 when there are none.
  uint64_t max_cursor() const { return max_cursor_; }

  // Merges a minute candle of this chunk into it. False when it was no newest minute, which costs packing the chunk
  // anew. Precondition: made by CandleOf and Merge, and its start is in this chunk.
  bool Add(const Candle& minute);
  // All minutes, oldest first.
  std::vector<Candle> Candles() const;
  // With a version byte in front.
  std::string Encode() const;
  // Heap bytes held.
  size_t memory() const { return packed_.capacity(); }

 private:
  absl::string_view packed() const { return absl::string_view(packed_.data(), packed_.size()); }
  void Append(const Candle& candle, int minute);
  Candle Newest() const;

  absl::Time start_;
  uint64_t max_cursor_ = 0;
  // Minutes after each other; the newest begins at newest_at_, as a difference to before_newest_. Not a string, whose
  // buffer doubles when it grows.
  std::vector<char> packed_;
  MinuteBase before_newest_;
  uint32_t newest_at_ = 0;
  int16_t newest_minute_ = -1;
  uint16_t count_ = 0;
};

}  // namespace tokenwatch::pricing

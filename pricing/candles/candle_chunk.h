// The minute candles of one series in one chunk of time (kChunkLength), packed: what one row of the table candles
// holds.
//
// The newest minute is kept open; those before it are encoded, about 40 bytes each: numbers as differences to the
// minute before, as variable-length integers. The bytes are the same for the same candles, whatever the order they came
// in. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pricing/candles/candle.h"

namespace tokenwatch::pricing {

inline constexpr absl::Duration kChunkLength = absl::Hours(2);
absl::Time ChunkStart(absl::Time time);

class CandleChunk {
 public:
  explicit CandleChunk(absl::Time start) : start_(start) {}
  // INVALID_ARGUMENT when the bytes are none that Encode() made: bounded in time and memory for any input.
  static absl::StatusOr<CandleChunk> Decode(absl::Time start, absl::string_view bytes);

  absl::Time start() const { return start_; }
  bool empty() const { return count_ == 0; }
  size_t size() const { return count_; }

  // Merges a minute candle of this chunk into it. Cheap at the newest minute; an older one costs decoding the chunk.
  void Add(const Candle& minute);
  // All minutes, oldest first.
  std::vector<Candle> Candles() const;
  // With a version byte in front.
  std::string Encode() const;
  // Heap bytes held.
  size_t memory() const;

 private:
  absl::Time start_;
  // Minutes before open_, encoded, and what the next one is encoded as a difference to.
  std::string packed_;
  std::optional<Candle> last_packed_;
  std::optional<Candle> open_;
  size_t count_ = 0;
};

}  // namespace tokenwatch::pricing

// The bytes of one minute candle inside a chunk. What changes little from one minute to the next is written as a
// difference, and what can be computed from the rest almost is written as what it differs by: on a curve that keeps the
// product of its reserves one reserve follows from the other, and volumes from the way that the reserves went.
//
// The bytes are stored and stay readable: a change is a new version of the chunk. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pricing/candles/candle.h"

namespace tokenwatch::pricing {

// What the minute after it is written as a difference to. The default stands for "no minute before".
struct MinuteBase {
  // Minutes since the chunk's start.
  int minute = -1;
  // The closing price; zeros when it needs more than 64 bits.
  uint64_t close_quote = 0;
  uint64_t close_token = 0;
  uint64_t max_cursor = 0;
};
MinuteBase BaseOf(const Candle& candle, int minute);

// No minute takes more bytes.
inline constexpr size_t kMaxMinuteBytes = 512;

// Writes the candle of a minute later than `before.minute` to `out`, which has room for kMaxMinuteBytes; returns the
// number of bytes. Times are kept to the nanosecond.
size_t WriteMinute(const Candle& candle, int minute, const MinuteBase& before, char* out);

// Reads what WriteMinute wrote from the front of `bytes` and takes it off. False for bytes that it does not write,
// always without reading past their end; then `bytes`, `minute` and `candle` are of no use.
bool ReadMinute(absl::Time chunk_start, const MinuteBase& before, absl::string_view& bytes, int& minute,
                Candle& candle);

}  // namespace tokenwatch::pricing

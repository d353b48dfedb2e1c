#include "pricing/candles/candle_chunk.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "pricing/ratio.h"

namespace tokenwatch::pricing {
namespace {

constexpr char kVersion = 1;

absl::Status Damaged(size_t minute, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("packed candles: minute number ", minute, ": ", what));
}

// Whether the numbers can be those of trades: what Merge and the readers of candles rely on.
bool IsPossible(const Candle& candle) {
  for (const Ratio* ratio : {&candle.open, &candle.high, &candle.low, &candle.close}) {
    if (ratio->token_units.IsZero() || ratio->quote_units.IsZero()) return false;
    if (IsHigher(*ratio, candle.high) || IsHigher(candle.low, *ratio)) return false;
  }
  const auto within = [&](uint64_t cursor) { return cursor >= candle.min_cursor && cursor <= candle.max_cursor; };
  return candle.trades > 0 && candle.buys <= candle.trades && !(candle.close_at < candle.open_at) &&
         within(candle.open_at.cursor) && within(candle.close_at.cursor) &&
         candle.close_at.event_time < candle.start + absl::Minutes(1);
}

}  // namespace

absl::Time ChunkStart(absl::Time time) { return FloorTime(time, kChunkLength); }

absl::StatusOr<CandleChunk> CandleChunk::Decode(absl::Time start, absl::string_view bytes) {
  if (start != ChunkStart(start)) return absl::InvalidArgumentError("packed candles: not at the start of a chunk");
  if (bytes.empty() || bytes[0] != kVersion) {
    return absl::InvalidArgumentError("packed candles: of a version that this build does not know");
  }
  bytes.remove_prefix(1);
  CandleChunk chunk(start);
  Candle candle;
  while (!bytes.empty()) {
    const absl::string_view from = bytes;
    if (!chunk.empty()) chunk.before_newest_ = BaseOf(candle, chunk.newest_minute_);
    int minute = 0;
    if (!ReadMinute(start, chunk.before_newest_, bytes, minute, candle)) return Damaged(chunk.size(), "cannot be read");
    if (minute >= kChunkMinutes) return Damaged(chunk.size(), "is after the end of the chunk");
    if (!IsPossible(candle)) return Damaged(chunk.size(), "no trades have these numbers");
    chunk.Append(candle, minute);
    // One candle has one spelling.
    if (chunk.packed().substr(chunk.newest_at_) != from.substr(0, from.size() - bytes.size())) {
      return Damaged(chunk.size() - 1, "is written in another way than ours");
    }
  }
  chunk.packed_.shrink_to_fit();
  return chunk;
}

Candle CandleChunk::Newest() const {
  Candle candle;
  int minute = 0;
  absl::string_view bytes = packed().substr(newest_at_);
  ReadMinute(start_, before_newest_, bytes, minute, candle);
  return candle;
}

void CandleChunk::Append(const Candle& candle, int minute) {
  char bytes[kMaxMinuteBytes];
  const size_t size = WriteMinute(candle, minute, before_newest_, bytes);
  if (packed_.size() + size > packed_.capacity()) {
    // Little more room than is needed: all chunks of a time grow together, and the room would be half a minute in each.
    packed_.reserve(packed_.size() + size + 12 + packed_.size() / 32);
  }
  newest_at_ = static_cast<uint32_t>(packed_.size());
  newest_minute_ = static_cast<int16_t>(minute);
  packed_.insert(packed_.end(), bytes, bytes + size);
  ++count_;
  max_cursor_ = std::max(max_cursor_, candle.max_cursor);
}

bool CandleChunk::Add(const Candle& minute) {
  const auto index = static_cast<int>(absl::ToInt64Minutes(minute.start - start_));
  if (index > newest_minute_) {
    if (count_ > 0) before_newest_ = BaseOf(Newest(), newest_minute_);
    Append(minute, index);
    return true;
  }
  if (index == newest_minute_) {
    Candle merged = Newest();
    Merge(minute, merged);
    packed_.resize(newest_at_);
    --count_;
    Append(merged, index);
    return true;
  }
  std::vector<Candle> candles = Candles();
  const auto at = std::lower_bound(candles.begin(), candles.end(), minute.start,
                                   [](const Candle& candle, absl::Time start) { return candle.start < start; });
  if (at != candles.end() && at->start == minute.start) {
    Merge(minute, *at);
  } else {
    candles.insert(at, minute);
  }
  CandleChunk packed_anew(start_);
  packed_anew.packed_.reserve(packed_.size() + kMaxMinuteBytes / 8);
  for (const Candle& candle : candles) packed_anew.Add(candle);
  *this = std::move(packed_anew);
  return false;
}

std::vector<Candle> CandleChunk::Candles() const {
  std::vector<Candle> candles(count_);
  MinuteBase before;
  absl::string_view bytes = packed();
  for (Candle& candle : candles) {
    int minute = 0;
    ReadMinute(start_, before, bytes, minute, candle);
    before = BaseOf(candle, minute);
  }
  return candles;
}

std::string CandleChunk::Encode() const {
  std::string bytes(1, kVersion);
  bytes.append(packed_.data(), packed_.size());
  return bytes;
}

}  // namespace tokenwatch::pricing

#include "pricing/candles/candle_codec.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "pricing/ratio.h"

namespace tokenwatch::pricing {
namespace {

// A minute begins with (minutes skipped << kFlagBits | flags).
constexpr int kFlagBits = 7;
// Some amount needs more than 64 bits: amounts are written as they are.
constexpr uint64_t kWide = 1;
// The close is the same pair of integers as the open.
constexpr uint64_t kClosesAsOpened = 2;
// The first trade by time has the lowest cursor, and the last the highest.
constexpr uint64_t kInOrder = 4;
// Two bits each: where the high and the low are.
constexpr int kHighShift = 3;
constexpr int kLowShift = 5;
enum Place : uint64_t { kAtOpen = 0, kAtClose = 1, kOwn = 2 };

constexpr int64_t kMinuteNanos = 60'000'000'000;
// Offsets are written in the longest of these units that they are whole in.
constexpr int64_t kUnitNanos[] = {1'000'000'000, 1'000'000, 1'000, 1};

struct Pair {
  uint64_t quote = 0;
  uint64_t token = 0;
};

Pair PairOf(const Ratio& ratio) { return {ratio.quote_units.Uint64Value(), ratio.token_units.Uint64Value()}; }

uint64_t ZigZag(uint64_t difference) {
  const auto value = static_cast<int64_t>(difference);
  return (difference << 1) ^ static_cast<uint64_t>(value >> 63);
}
uint64_t UnZigZag(uint64_t value) { return (value >> 1) ^ (0 - (value & 1)); }

uint64_t Distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

// The token reserve that goes with a quote reserve if the product stays what it was. The same on every machine: IEEE
// 754 fixes each of these operations.
uint64_t PredictToken(const Pair& before, uint64_t quote) {
  if (before.quote == 0 || quote == 0) return before.token;
  const double token =
      static_cast<double>(before.quote) * static_cast<double>(before.token) / static_cast<double>(quote);
  return token < 0x1p63 ? static_cast<uint64_t>(token) : before.token;
}

// How far a reserve went at least: from where it was to the open, over both extremes, to the close.
uint64_t Path(bool known, uint64_t before, uint64_t open, uint64_t high, uint64_t low, uint64_t close) {
  const uint64_t high_first = Distance(open, high) + Distance(low, close);
  const uint64_t low_first = Distance(open, low) + Distance(high, close);
  return (known ? Distance(before, open) : 0) + Distance(high, low) + std::min(high_first, low_first);
}

struct Volumes {
  uint64_t quote = 0;
  uint64_t token = 0;
};
Volumes PredictVolumes(const MinuteBase& before, const Candle& candle) {
  const bool known = before.close_token != 0;
  const Pair open = PairOf(candle.open), high = PairOf(candle.high), low = PairOf(candle.low),
             close = PairOf(candle.close);
  return {Path(known, before.close_quote, open.quote, high.quote, low.quote, close.quote),
          Path(known, before.close_token, open.token, high.token, low.token, close.token)};
}

bool Fits(const Ratio& ratio) { return ratio.quote_units.FitsUint64() && ratio.token_units.FitsUint64(); }

class Writer {
 public:
  explicit Writer(char* out) : begin_(out), at_(out) {}

  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) *at_++ = static_cast<char>(value | 0x80);
    *at_++ = static_cast<char>(value);
  }
  void Wide(const chain::Amount& amount) {
    std::array<uint64_t, 4> limbs = amount.limbs();
    while ((limbs[0] >> 7 | limbs[1] | limbs[2] | limbs[3]) != 0) {
      *at_++ = static_cast<char>(limbs[0] | 0x80);
      for (size_t i = 0; i < 3; ++i) limbs[i] = limbs[i] >> 7 | limbs[i + 1] << 57;
      limbs[3] >>= 7;
    }
    *at_++ = static_cast<char>(limbs[0]);
  }
  void Wide(const Ratio& ratio) {
    Wide(ratio.quote_units);
    Wide(ratio.token_units);
  }
  void Price(const Ratio& ratio, const Pair& before) {
    const Pair pair = PairOf(ratio);
    Varint(ZigZag(pair.quote - before.quote));
    Varint(ZigZag(pair.token - PredictToken(before, pair.quote)));
  }
  void Offset(int64_t nanos) {
    uint64_t unit = 0;
    while (nanos % kUnitNanos[unit] != 0) ++unit;
    Varint(static_cast<uint64_t>(nanos / kUnitNanos[unit]) << 2 | unit);
  }
  size_t size() const { return static_cast<size_t>(at_ - begin_); }

 private:
  char* begin_;
  char* at_;
};

// After the first byte that is missing or wrong every read gives zeros, and ok() is false.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) break;
      const auto byte = static_cast<unsigned char>(*at_++);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return Wrong();
  }
  chain::Amount Wide() {
    std::array<uint64_t, 4> limbs{};
    for (size_t shift = 0; shift < 256; shift += 7) {
      if (at_ == end_) break;
      const auto byte = static_cast<unsigned char>(*at_++);
      const uint64_t bits = byte & 0x7f;
      limbs[shift / 64] |= bits << shift % 64;
      if (shift % 64 > 57 && shift / 64 < 3) limbs[shift / 64 + 1] |= bits >> (64 - shift % 64);
      if (byte < 0x80) return chain::Amount(limbs);
    }
    Wrong();
    return {};
  }
  Ratio WideRatio() {
    const chain::Amount quote = Wide();
    return {quote, Wide()};
  }
  Ratio Price(const Pair& before) {
    const uint64_t quote = before.quote + UnZigZag(Varint());
    return {quote, PredictToken(before, quote) + UnZigZag(Varint())};
  }
  int64_t Offset() {
    const uint64_t value = Varint();
    const int64_t unit = kUnitNanos[value & 3];
    if ((value >> 2) >= static_cast<uint64_t>(kMinuteNanos / unit)) return static_cast<int64_t>(Wrong());
    return static_cast<int64_t>(value >> 2) * unit;
  }
  uint64_t Wrong() {
    ok_ = false;
    at_ = end_;
    return 0;
  }
  bool ok() const { return ok_; }
  absl::string_view rest() const { return absl::string_view(at_, static_cast<size_t>(end_ - at_)); }

 private:
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

// Only times beyond all calendars are not in their own minute.
int64_t OffsetOf(absl::Time time, absl::Time start) {
  return std::clamp<int64_t>(absl::ToInt64Nanoseconds(time - start), 0, kMinuteNanos - 1);
}

void ReadPrices(uint64_t flags, const MinuteBase& before, Reader& reader, Candle& candle) {
  const bool wide = (flags & kWide) != 0;
  const auto read = [&](const Pair& from) { return wide ? reader.WideRatio() : reader.Price(from); };
  candle.open = read(Pair{before.close_quote, before.close_token});
  const Pair open = PairOf(candle.open);
  candle.close = (flags & kClosesAsOpened) != 0 ? candle.open : read(open);
  for (auto [shift, ratio] : {std::pair{kHighShift, &candle.high}, std::pair{kLowShift, &candle.low}}) {
    switch (flags >> shift & 3) {
      case kAtOpen:
        *ratio = candle.open;
        break;
      case kAtClose:
        *ratio = candle.close;
        break;
      case kOwn:
        *ratio = read(open);
        break;
      default:
        reader.Wrong();
    }
  }
}

}  // namespace

MinuteBase BaseOf(const Candle& candle, int minute) {
  const Pair close = Fits(candle.close) ? PairOf(candle.close) : Pair{};
  return {minute, close.quote, close.token, candle.max_cursor};
}

size_t WriteMinute(const Candle& candle, int minute, const MinuteBase& before, char* out) {
  const auto place = [&](const Ratio& ratio) {
    return ratio == candle.open ? kAtOpen : ratio == candle.close ? kAtClose : kOwn;
  };
  const bool wide = !(Fits(candle.open) && Fits(candle.high) && Fits(candle.low) && Fits(candle.close) &&
                      candle.quote_volume.FitsUint64() && candle.token_volume.FitsUint64());
  const bool same = candle.close == candle.open;
  const Place high = place(candle.high), low = place(candle.low);
  const bool in_order = candle.open_at.cursor == candle.min_cursor && candle.close_at.cursor == candle.max_cursor;
  Writer writer(out);
  writer.Varint(static_cast<uint64_t>(minute - before.minute - 1) << kFlagBits | (wide ? kWide : 0) |
                (same ? kClosesAsOpened : 0) | (in_order ? kInOrder : 0) | high << kHighShift | low << kLowShift);
  writer.Varint(candle.trades - 1);
  writer.Varint(candle.buys);
  if (wide) {
    writer.Wide(candle.open);
    if (!same) writer.Wide(candle.close);
    if (high == kOwn) writer.Wide(candle.high);
    if (low == kOwn) writer.Wide(candle.low);
    writer.Wide(candle.quote_volume);
    writer.Wide(candle.token_volume);
  } else {
    const Pair open = PairOf(candle.open);
    writer.Price(candle.open, Pair{before.close_quote, before.close_token});
    if (!same) writer.Price(candle.close, open);
    if (high == kOwn) writer.Price(candle.high, open);
    if (low == kOwn) writer.Price(candle.low, open);
    const Volumes volumes = PredictVolumes(before, candle);
    writer.Varint(ZigZag(candle.quote_volume.Uint64Value() - volumes.quote));
    writer.Varint(ZigZag(candle.token_volume.Uint64Value() - volumes.token));
  }
  const int64_t open_offset = OffsetOf(candle.open_at.event_time, candle.start);
  writer.Offset(open_offset);
  writer.Varint(ZigZag(candle.min_cursor - before.max_cursor));
  if (candle.trades > 1) {
    writer.Offset(OffsetOf(candle.close_at.event_time, candle.start) - open_offset);
    writer.Varint(candle.max_cursor - candle.min_cursor);
  }
  if (!in_order) {
    writer.Varint(candle.open_at.cursor - candle.min_cursor);
    writer.Varint(candle.max_cursor - candle.close_at.cursor);
  }
  return writer.size();
}

bool ReadMinute(absl::Time chunk_start, const MinuteBase& before, absl::string_view& bytes, int& minute,
                Candle& candle) {
  Reader reader(bytes);
  const uint64_t head = reader.Varint();
  // No chunk is so long that the sum below could overflow.
  if (head >> kFlagBits >= 1'000'000) return false;
  minute = before.minute + 1 + static_cast<int>(head >> kFlagBits);
  candle.start = chunk_start + absl::Minutes(minute);
  candle.trades = reader.Varint() + 1;
  candle.buys = reader.Varint();
  ReadPrices(head, before, reader, candle);
  if ((head & kWide) != 0) {
    candle.quote_volume = reader.Wide();
    candle.token_volume = reader.Wide();
  } else {
    const Volumes volumes = PredictVolumes(before, candle);
    candle.quote_volume = volumes.quote + UnZigZag(reader.Varint());
    candle.token_volume = volumes.token + UnZigZag(reader.Varint());
  }
  const int64_t open_offset = reader.Offset();
  int64_t close_offset = open_offset;
  candle.min_cursor = candle.max_cursor = before.max_cursor + UnZigZag(reader.Varint());
  if (candle.trades > 1) {
    close_offset += reader.Offset();
    candle.max_cursor = candle.min_cursor + reader.Varint();
  }
  candle.open_at = {candle.start + absl::Nanoseconds(open_offset), candle.min_cursor};
  candle.close_at = {candle.start + absl::Nanoseconds(close_offset), candle.max_cursor};
  if ((head & kInOrder) == 0) {
    candle.open_at.cursor += reader.Varint();
    candle.close_at.cursor -= reader.Varint();
  }
  bytes = reader.rest();
  return reader.ok();
}

}  // namespace tokenwatch::pricing

#include "common/postgres/copy_binary.h"

#include <array>
#include <bit>
#include <cstring>
#include <limits>

namespace tokenwatch::common {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are turned round to network order");

constexpr int32_t kNullLength = -1;
constexpr int64_t kMinusInfinity = std::numeric_limits<int64_t>::min();
constexpr int64_t kInfinity = std::numeric_limits<int64_t>::max();

// A numeric is a header of four int16 (digits, weight of the first, sign, places after the point), then its digits to
// the base of 10,000, without zeros at either end.
constexpr size_t kNumericHeader = 8;
constexpr uint16_t kBase = 10'000;
constexpr size_t kPlaces = 4;
constexpr uint16_t kPositive = 0x0000;
constexpr uint16_t kNegative = 0x4000;

// 2000-01-01, from which the server counts.
constexpr int64_t kServerEpochMicros = 946'684'800'000'000;

template <typename T>
T Reverse(T value) {
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(value)));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
}

template <typename T>
void Store(T value, char* to) {
  value = Reverse(value);
  std::memcpy(to, &value, sizeof value);
}

template <typename T>
T Load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return Reverse(value);
}

template <typename T>
void AppendField(T value, std::string& out) {
  std::array<char, 4 + sizeof(T)> field;
  Store<int32_t>(sizeof(T), field.data());
  Store(value, field.data() + 4);
  out.append(field.data(), field.size());
}

// `count` digits to the base of 10,000, the last of them the ones; the first is not zero.
template <typename DigitAt>
void AppendNumeric(size_t count, DigitAt digit_at, uint16_t sign, std::string& out) {
  const size_t begin = out.size();
  out.resize(begin + 4 + kNumericHeader + 2 * count);
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint16_t digit = digit_at(i);
    Store(digit, out.data() + begin + 4 + kNumericHeader + 2 * i);
    if (digit != 0) kept = i + 1;
  }
  const size_t length = kNumericHeader + 2 * kept;
  out.resize(begin + 4 + length);
  char* const header = out.data() + begin;
  Store(static_cast<int32_t>(length), header);
  Store(static_cast<uint16_t>(kept), header + 4);
  Store(static_cast<uint16_t>(count == 0 ? 0 : count - 1), header + 6);
  Store(sign, header + 8);
  Store(uint16_t{0}, header + 10);
}

struct WholeNumeric {
  bool negative = false;
  // Digits that are there, and zeros that follow them.
  size_t digits = 0;
  size_t zeros = 0;
  const char* first = nullptr;

  uint16_t digit(size_t i) const { return Load<uint16_t>(first + 2 * i); }
};

bool ParseWhole(absl::string_view field, WholeNumeric* number) {
  if (field.size() < kNumericHeader) return false;
  const int digits = Load<int16_t>(field.data());
  const int weight = Load<int16_t>(field.data() + 2);
  const uint16_t sign = Load<uint16_t>(field.data() + 4);
  if (digits < 0 || field.size() != kNumericHeader + 2 * static_cast<size_t>(digits)) return false;
  if (sign != kPositive && sign != kNegative) return false;
  // More digits than there are before the point.
  if (digits > 0 && digits > weight + 1) return false;
  number->negative = sign == kNegative;
  number->digits = static_cast<size_t>(digits);
  number->zeros = digits == 0 ? 0 : static_cast<size_t>(weight + 1 - digits);
  number->first = field.data() + kNumericHeader;
  for (size_t i = 0; i < number->digits; ++i) {
    if (number->digit(i) >= kBase) return false;
  }
  return true;
}

constexpr std::array<char, 200> kPairs = [] {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

}  // namespace

void CopyBuffer::BeginRow(int16_t fields) {
  std::array<char, 2> count;
  Store(fields, count.data());
  data_.append(count.data(), count.size());
  ++rows_;
}

CopyBuffer& CopyBuffer::Text(absl::string_view value) {
  std::array<char, 4> length;
  Store(static_cast<int32_t>(value.size()), length.data());
  data_.append(length.data(), length.size());
  data_.append(value.data(), value.size());
  return *this;
}

CopyBuffer& CopyBuffer::Int2(int16_t value) {
  AppendField(value, data_);
  return *this;
}

CopyBuffer& CopyBuffer::Int4(int32_t value) {
  AppendField(value, data_);
  return *this;
}

CopyBuffer& CopyBuffer::Int8(int64_t value) {
  AppendField(value, data_);
  return *this;
}

CopyBuffer& CopyBuffer::Double(double value) { return Int8(std::bit_cast<int64_t>(value)); }

CopyBuffer& CopyBuffer::Bool(bool value) { return Text(absl::string_view(value ? "\1" : "\0", 1)); }

CopyBuffer& CopyBuffer::Time(absl::Time value) {
  if (value == absl::InfiniteFuture()) return Int8(kInfinity);
  int64_t micros = 0;
  // What is further back than the server's times is what it calls -infinity.
  if (__builtin_sub_overflow(absl::ToUnixMicros(value), kServerEpochMicros, &micros)) micros = kMinusInfinity;
  return Int8(micros);
}

CopyBuffer& CopyBuffer::Numeric(uint64_t value) {
  std::array<uint16_t, 5> digits;
  size_t first = digits.size();
  for (; value != 0; value /= kBase) digits[--first] = static_cast<uint16_t>(value % kBase);
  AppendNumeric(
      digits.size() - first, [&](size_t i) { return digits[first + i]; }, kPositive, data_);
  return *this;
}

CopyBuffer& CopyBuffer::Numeric(absl::string_view decimal) {
  const bool negative = !decimal.empty() && decimal.front() == '-';
  if (negative) decimal.remove_prefix(1);
  while (!decimal.empty() && decimal.front() == '0') decimal.remove_prefix(1);
  const size_t count = (decimal.size() + kPlaces - 1) / kPlaces;
  AppendNumeric(
      count,
      [&](size_t i) {
        const size_t end = decimal.size() - kPlaces * (count - 1 - i);
        uint16_t digit = 0;
        for (size_t at = end < kPlaces ? 0 : end - kPlaces; at < end; ++at) {
          digit = static_cast<uint16_t>(digit * 10 + (decimal[at] - '0'));
        }
        return digit;
      },
      negative ? kNegative : kPositive, data_);
  return *this;
}

CopyBuffer& CopyBuffer::Null() {
  std::array<char, 4> length;
  Store(kNullLength, length.data());
  data_.append(length.data(), length.size());
  return *this;
}

void CopyBuffer::Clear() {
  data_.clear();
  rows_ = 0;
}

bool SplitCopyRow(absl::string_view row, absl::Span<absl::string_view> fields) {
  if (row.size() < 2 || static_cast<size_t>(Load<uint16_t>(row.data())) != fields.size()) return false;
  row.remove_prefix(2);
  for (absl::string_view& field : fields) {
    if (row.size() < 4) return false;
    const int32_t length = Load<int32_t>(row.data());
    row.remove_prefix(4);
    if (length == kNullLength) {
      field = absl::string_view();
      continue;
    }
    if (length < 0 || static_cast<size_t>(length) > row.size()) return false;
    field = row.substr(0, static_cast<size_t>(length));
    row.remove_prefix(static_cast<size_t>(length));
  }
  return row.empty();
}

bool ParseCopyInt(absl::string_view field, int64_t* value) {
  switch (field.size()) {
    case 2:
      *value = Load<int16_t>(field.data());
      return true;
    case 4:
      *value = Load<int32_t>(field.data());
      return true;
    case 8:
      *value = Load<int64_t>(field.data());
      return true;
    default:
      return false;
  }
}

bool ParseCopyBool(absl::string_view field, bool* value) {
  if (field.size() != 1) return false;
  *value = field.front() != 0;
  return true;
}

bool ParseCopyTime(absl::string_view field, absl::Time* value) {
  if (field.size() != 8) return false;
  const auto micros = Load<int64_t>(field.data());
  if (micros == kInfinity || micros == kMinusInfinity) return false;
  *value = absl::FromUnixMicros(kServerEpochMicros) + absl::Microseconds(micros);
  return true;
}

bool ParseCopyNumeric(absl::string_view field, uint64_t* value) {
  WholeNumeric number;
  if (!ParseWhole(field, &number) || number.negative) return false;
  *value = 0;
  for (size_t i = 0; i < number.digits + number.zeros; ++i) {
    const uint64_t digit = i < number.digits ? number.digit(i) : 0;
    if (__builtin_mul_overflow(*value, uint64_t{kBase}, value) || __builtin_add_overflow(*value, digit, value)) {
      return false;
    }
  }
  return true;
}

bool AppendCopyNumeric(absl::string_view field, std::string* decimal) {
  WholeNumeric number;
  if (!ParseWhole(field, &number)) return false;
  if (number.digits == 0) {
    decimal->push_back('0');
    return true;
  }
  if (number.negative) decimal->push_back('-');
  std::array<char, kPlaces> places;
  for (size_t i = 0; i < number.digits; ++i) {
    const unsigned digit = number.digit(i);
    std::memcpy(places.data(), kPairs.data() + 2 * (digit / 100), 2);
    std::memcpy(places.data() + 2, kPairs.data() + 2 * (digit % 100), 2);
    // The first digit is written without leading zeros; it is not zero itself.
    size_t skip = 0;
    while (i == 0 && skip + 1 < kPlaces && places[skip] == '0') ++skip;
    decimal->append(places.data() + skip, kPlaces - skip);
  }
  decimal->append(kPlaces * number.zeros, '0');
  return true;
}

}  // namespace tokenwatch::common

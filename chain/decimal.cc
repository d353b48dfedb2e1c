#include "chain/decimal.h"

#include <algorithm>
#include <cstddef>

namespace tokenwatch::chain {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// A JSON number taken apart: 0.d1d2d3... x 10^point, digits without leading zeros.
struct Parts {
  bool negative = false;
  absl::string_view integer;
  absl::string_view fraction;
  int64_t exponent = 0;
};

absl::string_view TakeDigits(absl::string_view& text) {
  size_t n = 0;
  while (n < text.size() && IsDigit(text[n])) ++n;
  const absl::string_view digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

// Exponents are held within this; a number beyond it is zero or does not fit, whatever its digits (their count is
// bounded by the text, itself far shorter).
constexpr int64_t kMaxExponent = 1'000'000'000;

std::optional<Parts> Split(absl::string_view text) {
  Parts parts;
  if (!text.empty() && text.front() == '-') {
    parts.negative = true;
    text.remove_prefix(1);
  }
  parts.integer = TakeDigits(text);
  if (parts.integer.empty() || (parts.integer.size() > 1 && parts.integer.front() == '0')) return std::nullopt;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    parts.fraction = TakeDigits(text);
    if (parts.fraction.empty()) return std::nullopt;
  }
  if (!text.empty() && (text.front() == 'e' || text.front() == 'E')) {
    text.remove_prefix(1);
    bool negative = false;
    if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
      negative = text.front() == '-';
      text.remove_prefix(1);
    }
    const absl::string_view digits = TakeDigits(text);
    if (digits.empty()) return std::nullopt;
    for (char c : digits) parts.exponent = std::min(parts.exponent * 10 + (c - '0'), kMaxExponent);
    if (negative) parts.exponent = -parts.exponent;
  }
  if (!text.empty()) return std::nullopt;
  return parts;
}

}  // namespace

std::optional<uint64_t> ScaleDecimal(absl::string_view number, int decimals) {
  const std::optional<Parts> parts = Split(number);
  if (!parts) return std::nullopt;
  const size_t digit_count = parts->integer.size() + parts->fraction.size();
  const auto digit_at = [&](size_t i) {
    return i < parts->integer.size() ? parts->integer[i] - '0' : parts->fraction[i - parts->integer.size()] - '0';
  };
  // The first `kept` digits (with zeros behind the last) are the integer part of the scaled value.
  const int64_t kept = static_cast<int64_t>(parts->integer.size()) + parts->exponent + decimals;
  uint64_t value = 0;
  bool zero = true;
  size_t i = 0;
  for (; i < digit_count; ++i) {
    const int digit = digit_at(i);
    zero = zero && digit == 0;
    if (static_cast<int64_t>(i) >= kept) continue;
    if (__builtin_mul_overflow(value, uint64_t{10}, &value) ||
        __builtin_add_overflow(value, static_cast<uint64_t>(digit), &value)) {
      return std::nullopt;
    }
  }
  if (zero) return 0;
  if (parts->negative) return std::nullopt;
  for (int64_t pad = static_cast<int64_t>(digit_count); pad < kept && value != 0; ++pad) {
    if (__builtin_mul_overflow(value, uint64_t{10}, &value)) return std::nullopt;
  }
  if (kept < 0 || kept >= static_cast<int64_t>(digit_count)) return value;
  const int first_dropped = digit_at(static_cast<size_t>(kept));
  bool more = false;
  for (size_t j = static_cast<size_t>(kept) + 1; j < digit_count && !more; ++j) more = digit_at(j) != 0;
  const bool up = first_dropped > 5 || (first_dropped == 5 && (more || value % 2 == 1));
  if (up && __builtin_add_overflow(value, uint64_t{1}, &value)) return std::nullopt;
  return value;
}

}  // namespace tokenwatch::chain

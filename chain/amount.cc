#include "chain/amount.h"

#include <cstring>

namespace tokenwatch::chain {
namespace {

using Wide = unsigned __int128;

constexpr uint64_t kChunk = 10'000'000'000'000'000'000ull;  // 10^19, the largest power of ten below 2^64
constexpr size_t kChunkDigits = 19;

// Reads at most kChunkDigits characters; false when one is no digit.
bool ParseChunk(absl::string_view text, uint64_t& value) {
  value = 0;
  for (char c : text) {
    const uint8_t digit = static_cast<uint8_t>(c - '0');
    if (digit > 9) return false;
    value = value * 10 + digit;
  }
  return true;
}

// limbs = limbs * factor + addend; false on overflow.
bool MultiplyAdd(std::array<uint64_t, 4>& limbs, uint64_t factor, uint64_t addend) {
  uint64_t carry = addend;
  for (uint64_t& limb : limbs) {
    const Wide value = Wide{limb} * factor + carry;
    limb = static_cast<uint64_t>(value);
    carry = static_cast<uint64_t>(value >> 64);
  }
  return carry == 0;
}

// limbs = limbs / kChunk; returns the remainder.
uint64_t DivideByChunk(std::array<uint64_t, 4>& limbs) {
  uint64_t remainder = 0;
  for (size_t i = limbs.size(); i-- > 0;) {
    const Wide value = Wide{remainder} << 64 | limbs[i];
    limbs[i] = static_cast<uint64_t>(value / kChunk);
    remainder = static_cast<uint64_t>(value % kChunk);
  }
  return remainder;
}

uint64_t PowerOfTen(size_t exponent) {
  uint64_t power = 1;
  for (size_t i = 0; i < exponent; ++i) power *= 10;
  return power;
}

}  // namespace

std::optional<Amount> Amount::Parse(absl::string_view text) {
  if (text.empty() || text.size() > kMaxDigits) return std::nullopt;
  uint64_t chunk = 0;
  if (text.size() <= kChunkDigits) {
    if (!ParseChunk(text, chunk)) return std::nullopt;
    return Amount(chunk);
  }
  std::array<uint64_t, 4> limbs{};
  while (!text.empty()) {
    const absl::string_view head = text.substr(0, kChunkDigits);
    if (!ParseChunk(head, chunk)) return std::nullopt;
    if (!MultiplyAdd(limbs, PowerOfTen(head.size()), chunk)) return std::nullopt;
    text.remove_prefix(head.size());
  }
  return Amount(limbs);
}

void Amount::AppendTo(std::string& out) const {
  char digits[5 * kChunkDigits];
  char* const end = digits + sizeof(digits);
  char* first = end;
  std::array<uint64_t, 4> rest = limbs_;
  bool more = true;
  while (more) {
    more = (rest[1] | rest[2] | rest[3]) != 0;
    uint64_t chunk = more ? DivideByChunk(rest) : rest[0];
    char* const chunk_begin = first - kChunkDigits;
    do {
      *--first = static_cast<char>('0' + chunk % 10);
      chunk /= 10;
    } while (chunk != 0);
    while (more && first != chunk_begin) *--first = '0';  // inner zeros of a chunk that is not the leading one
  }
  out.append(first, static_cast<size_t>(end - first));
}

std::string Amount::ToString() const {
  std::string out;
  AppendTo(out);
  return out;
}

}  // namespace tokenwatch::chain

#include "chain/base58.h"

#include <cstring>

namespace tokenwatch::chain {
namespace {

using Wide = unsigned __int128;

constexpr char kAlphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr size_t kDigitsPerLimb = 5;
constexpr uint64_t kLimbBase = 58ull * 58 * 58 * 58 * 58;  // just below 2^30
constexpr uint64_t kWordMask = 0xffffffff;
constexpr uint8_t kInvalid = 255;

constexpr std::array<uint8_t, 256> MakeInverse() {
  std::array<uint8_t, 256> inverse{};
  for (auto& digit : inverse) digit = kInvalid;
  for (uint8_t i = 0; i < 58; ++i) inverse[static_cast<uint8_t>(kAlphabet[i])] = i;
  return inverse;
}
constexpr std::array<uint8_t, 256> kInverse = MakeInverse();

// The two alphabet characters of every number below 58^2, so that a limb takes three look-ups, not five.
constexpr std::array<std::array<char, 2>, 58 * 58> MakePairs() {
  std::array<std::array<char, 2>, 58 * 58> pairs{};
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i] = {kAlphabet[i / 58], kAlphabet[i % 58]};
  return pairs;
}
constexpr std::array<std::array<char, 2>, 58 * 58> kPairs = MakePairs();

// Sizes and conversion matrices for keys of `kBytes` bytes. Limbs are most significant first.
template <size_t kBytes>
struct Radix {
  static constexpr size_t kWords = kBytes / 4;                        // limbs of base 2^32
  static constexpr size_t kLimbs = (kBytes * 138 / 100 + 1 + 4) / 5;  // limbs of base 58^5: log58(256) < 1.38
  static constexpr size_t kDigits = kLimbs * kDigitsPerLimb;

  // Row i: 2^(32 * (kWords - 1 - i)) in base 58^5.
  static constexpr std::array<std::array<uint32_t, kLimbs>, kWords> MakeEncode() {
    std::array<std::array<uint32_t, kLimbs>, kWords> matrix{};
    std::array<uint64_t, kLimbs> power{};
    power[kLimbs - 1] = 1;
    for (size_t i = kWords; i-- > 0;) {
      for (size_t j = 0; j < kLimbs; ++j) matrix[i][j] = static_cast<uint32_t>(power[j]);
      uint64_t carry = 0;
      for (size_t j = kLimbs; j-- > 0;) {
        const uint64_t value = (power[j] << 32) + carry;
        power[j] = value % kLimbBase;
        carry = value / kLimbBase;
      }
    }
    return matrix;
  }

  // Row i: 58^(5 * (kLimbs - 1 - i)) in base 2^32, with one limb more on top for the powers that are longer.
  static constexpr std::array<std::array<uint32_t, kWords + 1>, kLimbs> MakeDecode() {
    std::array<std::array<uint32_t, kWords + 1>, kLimbs> matrix{};
    std::array<uint64_t, kWords + 1> power{};
    power[kWords] = 1;
    for (size_t i = kLimbs; i-- > 0;) {
      for (size_t j = 0; j <= kWords; ++j) matrix[i][j] = static_cast<uint32_t>(power[j]);
      uint64_t carry = 0;
      for (size_t j = kWords + 1; j-- > 0;) {
        const uint64_t value = power[j] * kLimbBase + carry;
        power[j] = value & 0xffffffffu;
        carry = value >> 32;
      }
    }
    return matrix;
  }

  static constexpr auto kEncode = MakeEncode();
  static constexpr auto kDecode = MakeDecode();
};

uint32_t LoadBigEndian(const uint8_t* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

// How many products of two limbs fit into 64 bits together with what a partial reduction leaves (below 2^36).
constexpr size_t kProductsPerReduction = 6;
static_assert(Wide{kProductsPerReduction} * 0xffffffffu * (kLimbBase - 1) < (Wide{1} << 64) - (Wide{1} << 36));

// Moves each limb's excess over 58^5 one limb up, all at once, which leaves limbs a little above 58^5: cheaper than
// Reduce, whose steps wait for each other. The value fits kLimbs limbs, so nothing leaves the top.
template <size_t kLimbs>
void ReducePartly(std::array<uint64_t, kLimbs>& limbs) {
  uint64_t from_below = 0;
  for (size_t j = kLimbs; j-- > 0;) {
    const uint64_t excess = j == 0 ? 0 : limbs[j] / kLimbBase;
    limbs[j] = limbs[j] - excess * kLimbBase + from_below;
    from_below = excess;
  }
}

// Carries so that every limb is below 58^5.
template <size_t kLimbs>
void Reduce(std::array<uint64_t, kLimbs>& limbs) {
  for (size_t j = kLimbs - 1; j > 0; --j) {
    const uint64_t excess = limbs[j] / kLimbBase;
    limbs[j - 1] += excess;
    limbs[j] -= excess * kLimbBase;
  }
}

template <size_t kBytes, size_t kMaxSize>
size_t Encode(const std::array<uint8_t, kBytes>& bytes, char (&out)[kMaxSize]) {
  using R = Radix<kBytes>;
  std::array<uint64_t, R::kLimbs> limbs{};
  for (size_t i = 0; i < R::kWords; ++i) {
    if (i > 0 && i % kProductsPerReduction == 0) ReducePartly(limbs);
    const uint64_t word = LoadBigEndian(bytes.data() + 4 * i);
    for (size_t j = 0; j < R::kLimbs; ++j) limbs[j] += word * R::kEncode[i][j];
  }
  Reduce(limbs);

  char text[R::kDigits];
  for (size_t j = 0; j < R::kLimbs; ++j) {
    const uint32_t limb = static_cast<uint32_t>(limbs[j]);
    char* digits = text + kDigitsPerLimb * j;
    const uint32_t high = limb / (58 * 58);  // below 58^3
    std::memcpy(digits + 3, kPairs[limb % (58 * 58)].data(), 2);
    std::memcpy(digits + 1, kPairs[high % (58 * 58)].data(), 2);
    digits[0] = kAlphabet[high / (58 * 58)];
  }

  // One '1' per leading zero byte, then the digits without their own leading zeros.
  size_t zeros = 0;
  while (zeros < kBytes && bytes[zeros] == 0) ++zeros;
  size_t first = 0;
  while (first < R::kDigits && text[first] == kAlphabet[0]) ++first;
  const size_t digit_count = R::kDigits - first;
  std::memset(out, kAlphabet[0], zeros);
  std::memcpy(out + zeros, text + first, digit_count);
  return zeros + digit_count;
}

template <size_t kMaxSize, size_t kBytes>
bool Decode(absl::string_view text, std::array<uint8_t, kBytes>& bytes) {
  using R = Radix<kBytes>;
  if (text.size() < kBytes || text.size() > kMaxSize) return false;
  uint8_t digits[R::kDigits] = {};
  const size_t offset = R::kDigits - text.size();
  uint8_t all = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const uint8_t digit = kInverse[static_cast<uint8_t>(text[i])];
    all |= digit;
    digits[offset + i] = digit;
  }
  if (all >= 64) return false;  // only the mark of a foreign character has the high bits

  std::array<uint64_t, R::kWords + 1> words{};
  for (size_t i = 0; i < R::kLimbs; ++i) {
    if (i > 0 && i % kProductsPerReduction == 0) {
      for (size_t j = 0; j < R::kWords; ++j)
        words[j] = (words[j] & (j == 0 ? ~uint64_t{0} : kWordMask)) + (words[j + 1] >> 32);
      words[R::kWords] &= kWordMask;
    }
    const uint8_t* d = digits + kDigitsPerLimb * i;
    const uint64_t limb = (((uint64_t{d[0]} * 58 + d[1]) * 58 + d[2]) * 58 + d[3]) * 58 + d[4];
    for (size_t j = 0; j <= R::kWords; ++j) words[j] += limb * R::kDecode[i][j];
  }
  for (size_t j = R::kWords; j > 0; --j) {
    words[j - 1] += words[j] >> 32;
    words[j] &= kWordMask;
  }
  if (words[0] != 0) return false;  // beyond the size
  for (size_t j = 0; j < R::kWords; ++j) {
    const uint32_t word = static_cast<uint32_t>(words[j + 1]);
    for (size_t k = 0; k < 4; ++k) bytes[4 * j + k] = static_cast<uint8_t>(word >> (24 - 8 * k));
  }

  size_t ones = 0;
  while (ones < text.size() && text[ones] == kAlphabet[0]) ++ones;
  size_t zeros = 0;
  while (zeros < kBytes && bytes[zeros] == 0) ++zeros;
  return ones == zeros;
}

}  // namespace

size_t EncodeBase58(const std::array<uint8_t, 32>& bytes, char (&out)[kMaxBase58Size32]) { return Encode(bytes, out); }
size_t EncodeBase58(const std::array<uint8_t, 64>& bytes, char (&out)[kMaxBase58Size64]) { return Encode(bytes, out); }

bool DecodeBase58(absl::string_view text, std::array<uint8_t, 32>& bytes) {
  return Decode<kMaxBase58Size32>(text, bytes);
}
bool DecodeBase58(absl::string_view text, std::array<uint8_t, 64>& bytes) {
  return Decode<kMaxBase58Size64>(text, bytes);
}

}  // namespace tokenwatch::chain

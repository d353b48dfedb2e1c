#include "pricing/fold/trader_count.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <sodium/crypto_shorthash.h>

#include "absl/status/status.h"

namespace tokenwatch::pricing {
namespace {

constexpr char kExact = 1;
constexpr char kEstimate = 2;
constexpr size_t kHashBytes = crypto_shorthash_BYTES;
constexpr size_t kRegisters = 256;
// A register holds the position of the first set bit of the 56 that do not choose the register, or 57 for none.
constexpr int kMaxRank = 57;
static_assert(kHashBytes == 8);

// Fixed, because hashes are stored.
constexpr unsigned char kKey[crypto_shorthash_KEYBYTES + 1] = "tokenwatch.trade";

struct Hash {
  // Most significant byte first, so that the order of the bytes is that of the numbers on every machine.
  char bytes[kHashBytes];
};

Hash HashOf(const chain::Address& trader) {
  Hash hash;
  crypto_shorthash(reinterpret_cast<unsigned char*>(hash.bytes),
                   reinterpret_cast<const unsigned char*>(trader.text().data()), trader.text().size(), kKey);
  return hash;
}

// The register that a hash belongs to, and its rank there.
size_t RegisterOf(const char* hash) { return static_cast<unsigned char>(hash[0]); }
int RankOf(const char* hash) {
  int rank = 1;
  for (size_t i = 1; i < kHashBytes; ++i) {
    const auto byte = static_cast<unsigned char>(hash[i]);
    if (byte != 0) {
      rank += __builtin_clz(byte) - 24;
      break;
    }
    rank += 8;
  }
  return std::min(rank, kMaxRank);
}

// Registers in memory have six bits each, four of them in three bytes.
constexpr size_t kPackedBytes = kRegisters * 6 / 8;
int ReadRegister(const char* packed, size_t index) {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(packed) + index / 4 * 3;
  const uint32_t four = bytes[0] | bytes[1] << 8 | bytes[2] << 16;
  return static_cast<int>(four >> index % 4 * 6 & 63);
}
void RaiseRegister(char* packed, size_t index, int rank) {
  if (rank <= ReadRegister(packed, index)) return;
  auto* const bytes = reinterpret_cast<unsigned char*>(packed) + index / 4 * 3;
  const size_t shift = index % 4 * 6;
  uint32_t four = bytes[0] | bytes[1] << 8 | bytes[2] << 16;
  four = (four & ~(uint32_t{63} << shift)) | static_cast<uint32_t>(rank) << shift;
  for (size_t i = 0; i < 3; ++i) bytes[i] = static_cast<unsigned char>(four >> 8 * i);
}

}  // namespace

void TraderCount::Add(const chain::Address& trader) {
  const Hash hash = HashOf(trader);
  if (is_estimate()) return RaiseRegister(state_.data() + 1, RegisterOf(hash.bytes), RankOf(hash.bytes));
  const size_t known = exact();
  const char* const hashes = state_.data() + 1;
  size_t low = 0, high = known;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const int order = std::memcmp(hashes + middle * kHashBytes, hash.bytes, kHashBytes);
    if (order == 0) return;
    (order < 0 ? low : high) = order < 0 ? middle + 1 : middle;
  }
  if (known < kMaxExact) {
    // Room for one more, not the doubling of push_back: most series have a few wallets.
    if (state_.size() + kHashBytes > state_.capacity()) state_.reserve(1 + state_.size() + 2 * kHashBytes);
    if (state_.empty()) state_.push_back(kExact);
    state_.insert(state_.begin() + static_cast<ptrdiff_t>(1 + low * kHashBytes), hash.bytes, hash.bytes + kHashBytes);
    return;
  }
  std::vector<char> registers(1 + kPackedBytes);
  registers[0] = kEstimate;
  for (size_t i = 0; i < known; ++i) {
    const char* const one = hashes + i * kHashBytes;
    RaiseRegister(registers.data() + 1, RegisterOf(one), RankOf(one));
  }
  RaiseRegister(registers.data() + 1, RegisterOf(hash.bytes), RankOf(hash.bytes));
  state_ = std::move(registers);
}

bool TraderCount::is_estimate() const { return !state_.empty() && state_[0] == kEstimate; }

size_t TraderCount::exact() const { return state_.empty() ? 0 : (state_.size() - 1) / kHashBytes; }

uint64_t TraderCount::count() const {
  if (!is_estimate()) return exact();
  double sum = 0;
  size_t empty = 0;
  for (size_t i = 0; i < kRegisters; ++i) {
    const int rank = ReadRegister(state_.data() + 1, i);
    sum += std::ldexp(1.0, -rank);
    if (rank == 0) ++empty;
  }
  // Flajolet, Fusy, Gandouet, Meunier 2007: the constant of their figure 3, and linear counting while it is better.
  constexpr double kCount = kRegisters;
  constexpr double kAlpha = 0.7213 / (1 + 1.079 / kCount);
  double estimate = kAlpha * kCount * kCount / sum;
  if (estimate <= 2.5 * kCount && empty > 0) estimate = kCount * std::log(kCount / static_cast<double>(empty));
  // There were that many when the exact count ended.
  return std::max<uint64_t>(kMaxExact + 1, static_cast<uint64_t>(std::llround(estimate)));
}

std::string TraderCount::Encode() const {
  if (!is_estimate()) return std::string(state_.begin(), state_.end());
  std::string bytes(1, kEstimate);
  for (size_t i = 0; i < kRegisters; ++i) bytes.push_back(static_cast<char>(ReadRegister(state_.data() + 1, i)));
  return bytes;
}

size_t TraderCount::memory() const { return state_.capacity(); }

absl::StatusOr<TraderCount> TraderCount::Decode(absl::string_view bytes) {
  TraderCount traders;
  if (bytes.empty()) return traders;
  const absl::string_view rest = bytes.substr(1);
  bool good = false;
  if (bytes[0] == kExact) {
    good = !rest.empty() && rest.size() % kHashBytes == 0 && rest.size() <= kMaxExact * kHashBytes;
    for (size_t i = kHashBytes; good && i < rest.size(); i += kHashBytes) {
      good = std::memcmp(rest.data() + i - kHashBytes, rest.data() + i, kHashBytes) < 0;
    }
  } else if (bytes[0] == kEstimate) {
    good = rest.size() == kRegisters && std::all_of(rest.begin(), rest.end(), [](char rank) {
             return static_cast<unsigned char>(rank) <= kMaxRank;
           });
  }
  if (!good) return absl::InvalidArgumentError("count of traders: no bytes that this build writes");
  if (bytes[0] == kExact) {
    traders.state_.assign(bytes.begin(), bytes.end());
    return traders;
  }
  traders.state_.resize(1 + kPackedBytes);
  traders.state_[0] = kEstimate;
  for (size_t i = 0; i < kRegisters; ++i) RaiseRegister(traders.state_.data() + 1, i, rest[i]);
  return traders;
}

}  // namespace tokenwatch::pricing

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

void Raise(absl::string_view hash, std::string& state) {
  int rank = 1;
  for (size_t i = 1; i < kHashBytes; ++i) {
    const auto byte = static_cast<unsigned char>(hash[i]);
    if (byte != 0) {
      rank += __builtin_clz(byte) - 24;
      break;
    }
    rank += 8;
  }
  char& held = state[1 + static_cast<unsigned char>(hash[0])];
  held = static_cast<char>(std::max<int>(held, std::min(rank, kMaxRank)));
}

}  // namespace

void TraderCount::Add(const chain::Address& trader) {
  const Hash hash = HashOf(trader);
  const absl::string_view bytes(hash.bytes, kHashBytes);
  if (is_estimate()) return Raise(bytes, state_);
  if (state_.empty()) state_.assign(1, kExact);
  const size_t known = (state_.size() - 1) / kHashBytes;
  size_t low = 0, high = known;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const int order = std::memcmp(state_.data() + 1 + middle * kHashBytes, hash.bytes, kHashBytes);
    if (order == 0) return;
    (order < 0 ? low : high) = order < 0 ? middle + 1 : middle;
  }
  if (known < kMaxExact) {
    state_.insert(1 + low * kHashBytes, hash.bytes, kHashBytes);
    return;
  }
  std::string registers(1 + kRegisters, '\0');
  registers[0] = kEstimate;
  for (size_t i = 0; i < known; ++i) {
    Raise(absl::string_view(state_.data() + 1 + i * kHashBytes, kHashBytes), registers);
  }
  Raise(bytes, registers);
  state_ = std::move(registers);
}

bool TraderCount::is_estimate() const { return !state_.empty() && state_[0] == kEstimate; }

uint64_t TraderCount::count() const {
  if (state_.empty()) return 0;
  if (!is_estimate()) return (state_.size() - 1) / kHashBytes;
  double sum = 0;
  size_t empty = 0;
  for (size_t i = 0; i < kRegisters; ++i) {
    sum += std::ldexp(1.0, -state_[1 + i]);
    if (state_[1 + i] == 0) ++empty;
  }
  // Flajolet, Fusy, Gandouet, Meunier 2007: the constant of their figure 3, and linear counting while it is better.
  constexpr double kCount = kRegisters;
  constexpr double kAlpha = 0.7213 / (1 + 1.079 / kCount);
  double estimate = kAlpha * kCount * kCount / sum;
  if (estimate <= 2.5 * kCount && empty > 0) estimate = kCount * std::log(kCount / static_cast<double>(empty));
  // There were that many when the exact count ended.
  return std::max<uint64_t>(kMaxExact + 1, static_cast<uint64_t>(std::llround(estimate)));
}

size_t TraderCount::memory() const { return state_.capacity() > std::string().capacity() ? state_.capacity() + 1 : 0; }

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
  traders.state_ = std::string(bytes);
  return traders;
}

}  // namespace tokenwatch::pricing

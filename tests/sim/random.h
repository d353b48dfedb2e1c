// Random numbers that are the same on every machine: xoshiro256** seeded by splitmix64, and integer-only ways to draw
// from it. The standard distributions and the maths library may differ between machines, so nothing here uses them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tokenwatch::sim {

// High 64 bits of the product: (a / 2^64) x b for a fraction a.
inline uint64_t MultiplyHigh(uint64_t a, uint64_t b) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(a) * b) >> 64);
}

// One thread at a time.
class Random {
 public:
  // Streams of one seed are independent of each other.
  Random(uint64_t seed, uint64_t stream) {
    uint64_t state = seed ^ (stream * 0xd1342543de82ef95ULL);
    for (uint64_t& word : state_) word = SplitMix(state);
  }

  uint64_t Next() {
    const uint64_t result = Rotate(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = Rotate(state_[3], 45);
    return result;
  }

  // Uniform in [0, bound); 0 when bound is 0. The bias is below bound / 2^64.
  uint64_t Below(uint64_t bound) { return MultiplyHigh(Next(), bound); }

  // Uniform in [low, high], low <= high.
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }

  // True in `parts` of a million cases.
  bool ChancePpm(uint64_t parts) { return Below(1'000'000) < parts; }

  // Index below `bound`, heavily skewed to the low ones: bound x u^3 for a uniform u.
  uint64_t SkewedBelow(uint64_t bound) {
    const uint64_t fraction = Next();
    return MultiplyHigh(MultiplyHigh(MultiplyHigh(fraction, fraction), fraction), bound);
  }

  // `size` random bytes, the same on machines of either byte order.
  void Fill(uint8_t* bytes, size_t size) {
    for (size_t i = 0; i < size; i += 8) {
      uint64_t word = Next();
      for (size_t j = i; j < i + 8 && j < size; ++j, word >>= 8) bytes[j] = static_cast<uint8_t>(word);
    }
  }

 private:
  static uint64_t Rotate(uint64_t value, int count) { return (value << count) | (value >> (64 - count)); }
  static uint64_t SplitMix(uint64_t& state) {
    state += 0x9e3779b97f4a7c15ULL;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  uint64_t state_[4];
};

}  // namespace tokenwatch::sim

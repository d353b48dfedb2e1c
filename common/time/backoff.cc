#include "common/time/backoff.h"

#include <algorithm>
#include <memory>
#include <random>
#include <utility>

namespace tokenwatch::common {

UniformRandom SeededRandom(uint64_t seed) {
  // The 53 high bits fill a double's mantissa. std::uniform_real_distribution is not the same everywhere; this is.
  return [engine = std::mt19937_64(seed)]() mutable { return static_cast<double>(engine() >> 11) * 0x1.0p-53; };
}

UniformRandom SystemRandom() {
  std::random_device device;
  return SeededRandom((uint64_t{device()} << 32) | device());
}

Backoff::Backoff(Options options, UniformRandom random)
    : options_(options), random_(std::move(random)), bound_(std::min(options.initial, options.cap)) {}

absl::Duration Backoff::Next() {
  const absl::Duration delay = bound_ * random_();
  bound_ = std::min(options_.cap, bound_ * std::max(options_.multiplier, 1.0));
  ++attempts_;
  return delay;
}

void Backoff::Reset() {
  bound_ = std::min(options_.initial, options_.cap);
  attempts_ = 0;
}

}  // namespace tokenwatch::common

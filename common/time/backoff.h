// How long to wait before trying again: exponential, with full jitter and a cap.
//
// Full jitter (a uniform draw from zero to the exponential bound) spreads clients that failed together better than a
// fixed delay with a little noise: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
#pragma once

#include <cstdint>
#include <functional>

#include "absl/time/time.h"

namespace tokenwatch::common {

// A uniform draw from [0, 1). Called by one thread at a time.
using UniformRandom = std::function<double()>;

// The same sequence for the same seed, on every platform.
UniformRandom SeededRandom(uint64_t seed);
// Seeded by the operating system.
UniformRandom SystemRandom();

// Not thread-safe: one per retry loop.
class Backoff {
 public:
  struct Options {
    absl::Duration initial = absl::Milliseconds(100);  // bound of the first delay
    absl::Duration cap = absl::Seconds(30);            // bound of every delay
    double multiplier = 2.0;                           // at least 1
  };

  Backoff(Options options, UniformRandom random);

  // The next delay: uniform in [0, min(cap, initial * multiplier^attempts)).
  absl::Duration Next();
  // After a success.
  void Reset();
  // Delays handed out since the last Reset.
  int attempts() const { return attempts_; }

 private:
  const Options options_;
  UniformRandom random_;
  absl::Duration bound_;
  int attempts_ = 0;
};

}  // namespace tokenwatch::common

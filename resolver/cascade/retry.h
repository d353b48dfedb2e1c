// When a token whose round of attempts brought no name is tried again.
#pragma once

#include "absl/time/time.h"

namespace tokenwatch::resolver {

struct RetryPolicy {
  absl::Duration initial = absl::Seconds(5);  // bound of the first delay
  absl::Duration cap = absl::Minutes(10);     // bound of every delay
  int max_attempts = 8;                       // rounds, then dead letter

  // Full jitter: uniform in [0, min(cap, initial * 2^(attempts - 1))). `attempts` counts the round just made (at least
  // 1); `random` is a draw from [0, 1).
  absl::Duration Delay(int attempts, double random) const {
    absl::Duration bound = initial;
    for (int i = 1; i < attempts && bound < cap; ++i) bound *= 2;
    return (bound < cap ? bound : cap) * random;
  }
};

}  // namespace tokenwatch::resolver

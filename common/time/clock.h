// The source of wall-clock time, injected so that tests decide what time it is.
//
// Wall clock paces, times out and leases; it never decides what a recorded event means (that is the event's own time).
#pragma once

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tokenwatch::common {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() = 0;
};

class SystemClock final : public Clock {
 public:
  absl::Time Now() override { return absl::Now(); }
  // The one instance a program needs.
  static SystemClock& Instance() {
    static SystemClock clock;
    return clock;
  }
};

}  // namespace tokenwatch::common

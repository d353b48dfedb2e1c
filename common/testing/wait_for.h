// Waits for what another thread or process is about to do, in place of a sleep of guessed length.
#pragma once

#include <chrono>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tokenwatch::common {

// Asks condition() every few milliseconds until it is true. False when it is still not after `limit` of real time.
template <typename Condition>
bool WaitFor(Condition&& condition, absl::Duration limit = absl::Seconds(10)) {
  const absl::Time deadline = absl::Now() + limit;
  while (!condition()) {
    if (absl::Now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace tokenwatch::common

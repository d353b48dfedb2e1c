// Which event times are believed.
#pragma once

#include "absl/time/time.h"

namespace tokenwatch::detector {

// Solana's first block is of March 2020 and Ethereum's of July 2015. The upper end only keeps nonsense from making
// partitions; it is far from any clock's drift.
inline bool IsPlausibleEventTime(absl::Time time) {
  static const absl::Time earliest = absl::FromUnixSeconds(1'420'070'400);  // 2015-01-01
  static const absl::Time latest = absl::FromUnixSeconds(4'102'444'800);    // 2100-01-01
  return time >= earliest && time < latest;
}

// Clocks of nodes and feeds differ by seconds. An event time further ahead of its arrival is nonsense, and would make
// every later trade look old.
inline constexpr absl::Duration kMaxEventLead = absl::Minutes(10);

inline bool IsAheadOfArrival(absl::Time time, absl::Time arrived_at) { return time > arrived_at + kMaxEventLead; }

}  // namespace tokenwatch::detector

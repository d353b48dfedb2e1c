// Histogram bucket bounds, so that equal things can be compared across services.
#pragma once

#include <vector>

namespace tokenwatch::common {

// Time-outs and waits inside a request: 0.5 ms to 10 s.
inline const std::vector<double>& LatencySecondsBuckets() {
  static const auto* buckets =
      new std::vector<double>{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  return *buckets;
}

// Things that may lie behind for long (backlogs, ages, whole passes): 10 ms to a day.
inline const std::vector<double>& AgeSecondsBuckets() {
  static const auto* buckets =
      new std::vector<double>{0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400};
  return *buckets;
}

// Items per batch: 1 to 100,000.
inline const std::vector<double>& CountBuckets() {
  static const auto* buckets =
      new std::vector<double>{1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 100000};
  return *buckets;
}

// Sizes of messages and bodies: 64 bytes to 16 MiB.
inline const std::vector<double>& BytesBuckets() {
  static const auto* buckets =
      new std::vector<double>{64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216};
  return *buckets;
}

}  // namespace tokenwatch::common

// How long a source takes to answer, learnt from its last answers.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "absl/time/time.h"

namespace tokenwatch::pricing {

// Not thread-safe.
class LatencyTracker {
 public:
  struct Options {
    // What is remembered: so many answers, none older than this.
    size_t samples = 32;
    absl::Duration window = absl::Minutes(1);
    // Fewer say nothing.
    size_t least_samples = 4;
    double quantile = 0.95;
  };

  explicit LatencyTracker(const Options& options) : options_(options) {}

  void Add(absl::Time now, absl::Duration took);
  // The quantile; `running` are the ages of calls that have not been answered, which will take at least that long.
  std::optional<absl::Duration> Quantile(absl::Time now, const std::vector<absl::Duration>& running = {}) const;

 private:
  struct Sample {
    absl::Time at;
    absl::Duration took;
  };
  const Options options_;
  std::deque<Sample> samples_;
};

}  // namespace tokenwatch::pricing

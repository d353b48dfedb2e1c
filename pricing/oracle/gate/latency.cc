#include "pricing/oracle/gate/latency.h"

#include <algorithm>
#include <cmath>

namespace tokenwatch::pricing {

void LatencyTracker::Add(absl::Time now, absl::Duration took) {
  samples_.push_back({now, took});
  while (samples_.size() > options_.samples) samples_.pop_front();
}

std::optional<absl::Duration> LatencyTracker::Quantile(absl::Time now,
                                                       const std::vector<absl::Duration>& running) const {
  std::vector<absl::Duration> took;
  for (const Sample& sample : samples_) {
    if (sample.at > now - options_.window) took.push_back(sample.took);
  }
  const auto rank = [&](size_t count) {
    return static_cast<size_t>(std::ceil(options_.quantile * static_cast<double>(count))) - 1;
  };
  // Young calls pull the quantile down although nothing is known of them yet; only those that raise it count.
  const size_t answered = took.size();
  absl::Duration least = absl::ZeroDuration();
  if (answered > 0) {
    std::sort(took.begin(), took.end());
    least = took[rank(answered)];
  }
  for (const absl::Duration age : running) {
    if (age > least) took.push_back(age);
  }
  if (took.size() < options_.least_samples) return std::nullopt;
  std::sort(took.begin(), took.end());
  return took[rank(took.size())];
}

}  // namespace tokenwatch::pricing

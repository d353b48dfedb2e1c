// Metrics every process has: its own resources, its build, its log.
#pragma once

#include <string>

#include "common/metrics/bug.h"
#include "common/metrics/registry.h"

namespace tokenwatch::common {

// Serves process_resident_memory_bytes, process_cpu_seconds_total, process_open_fds, process_max_fds, process_threads,
// process_start_time_seconds, build_info{service,version,compiler} = 1, log_lines_dropped_total and bug_total{site}.
// Values come from /proc/self at each scrape; one that cannot be read keeps its last value.
class ProcessMetrics {
 public:
  ProcessMetrics(MetricRegistry& registry, const std::string& service);

 private:
  BugMetrics bugs_;
  ScopedSampler sampler_;
};

// The version this binary was built as.
const char* BuildVersion();

}  // namespace tokenwatch::common

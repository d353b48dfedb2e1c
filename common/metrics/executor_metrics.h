// Metrics of one executor, by its name.
#pragma once

#include "common/metrics/registry.h"
#include "common/sync/executor.h"

namespace tokenwatch::common {

// Serves executor_queue_depth, executor_queue_capacity, executor_running, executor_threads and executor_refused_total,
// each with the label "executor". Dies before the executor.
class ExecutorMetrics {
 public:
  ExecutorMetrics(MetricRegistry& registry, const Executor& executor);

 private:
  ScopedSampler sampler_;
};

}  // namespace tokenwatch::common

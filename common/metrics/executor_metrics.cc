#include "common/metrics/executor_metrics.h"

namespace tokenwatch::common {

ExecutorMetrics::ExecutorMetrics(MetricRegistry& registry, const Executor& executor) {
  const MetricLabels labels = {{"executor", executor.name()}};
  registry.Gauge("executor_queue_capacity", "Tasks that may wait.", labels)
      .Set(static_cast<double>(executor.queue_capacity()));
  registry.Gauge("executor_threads", "Threads that run tasks.", labels).Set(executor.threads());
  auto& depth = registry.Gauge("executor_queue_depth", "Tasks that wait.", labels);
  auto& running = registry.Gauge("executor_running", "Tasks that run.", labels);
  auto& refused = registry.Counter("executor_refused_total", "Tasks refused because too many waited.", labels);
  sampler_ = registry.Sample([&depth, &running, &refused, &executor] {
    depth.Set(static_cast<double>(executor.queue_depth()));
    running.Set(executor.running());
    RaiseTo(refused, static_cast<double>(executor.refused()));
  });
}

}  // namespace tokenwatch::common

// The metrics of one process: every component gets the registry, makes its handles in its constructor, with all label
// sets it will ever use, and keeps references. So each series exists, at zero, from the start.
//
//   struct Metrics {
//     explicit Metrics(MetricRegistry& registry)
//         : written(registry.Counter("log_rows_written_total", "Rows written.", {{"table", "events"}})) {}
//     prometheus::Counter& written;
//   };
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/sync/mutex.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace tokenwatch::common {

using MetricLabels = std::map<std::string, std::string>;

class MetricRegistry;

// Ends the sampling when destroyed; waits for a scrape that is calling the function.
class [[nodiscard]] ScopedSampler {
 public:
  ScopedSampler() = default;
  ScopedSampler(ScopedSampler&& other) noexcept;
  ScopedSampler& operator=(ScopedSampler&& other) noexcept;
  ~ScopedSampler();

 private:
  friend class MetricRegistry;
  ScopedSampler(MetricRegistry* registry, uint64_t id) : registry_(registry), id_(id) {}
  MetricRegistry* registry_ = nullptr;
  uint64_t id_ = 0;
};

// Thread-safe, and so are the handles. The registry outlives its handles and samplers.
// A malformed name, or one name with two types, is a bug in the code: it prints one line and aborts. The same name and
// labels give the same handle again.
class MetricRegistry {
 public:
  MetricRegistry() = default;
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;

  prometheus::Counter& Counter(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  prometheus::Gauge& Gauge(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  // `buckets` are upper bounds in ascending order; see buckets.h.
  prometheus::Histogram& Histogram(const std::string& name, const std::string& help, const std::vector<double>& buckets,
                                   const MetricLabels& labels = {});

  // Calls `sample` before every scrape, for values that are read rather than counted. It must be quick, must not log
  // and must not use the registry (only handles it already has).
  ScopedSampler Sample(std::function<void()> sample);

  // Everything in the text exposition format, version 0.0.4.
  std::string Text();

  // One line per metric, sorted: "name type label,label" (labels sorted, without "le"). For golden tests: a renamed
  // metric breaks dashboards and alerts as surely as a renamed function breaks a caller.
  std::vector<std::string> Names();

 private:
  friend class ScopedSampler;
  std::vector<prometheus::MetricFamily> Collect();
  void Remove(uint64_t id);

  prometheus::Registry registry_;
  Mutex mutex_;
  uint64_t next_id_ TW_GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, std::function<void()>> samplers_ TW_GUARDED_BY(mutex_);
};

// Raises `counter` to `total`, a count kept elsewhere; never lowers it.
void RaiseTo(prometheus::Counter& counter, double total);

}  // namespace tokenwatch::common

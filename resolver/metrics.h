// The resolver's metrics. Names and labels are held by a golden test; every series exists at zero from the start.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/metrics/registry.h"
#include "resolver/cascade/cascade.h"

namespace tokenwatch::resolver {

// Of the cascade. Thread-safe.
class CascadeMetrics final : public CascadeObserver {
 public:
  // `sources` in the cascade's order.
  CascadeMetrics(common::MetricRegistry& registry, const std::vector<std::string>& sources);

  void OnCall(size_t source, size_t tokens) override;
  void OnCallEnded(size_t source, absl::Duration took) override;
  void OnAnswer(size_t source, Outcome outcome) override;
  void OnSpared(size_t source) override;
  void OnPassedOver(size_t source) override;
  void OnFinished(Verdict verdict, absl::Duration took) override;

  // Reads sizes and budgets before each scrape, until the sampler ends; `cascade` and `clock` must live until then.
  common::ScopedSampler Sample(common::MetricRegistry& registry, const Cascade& cascade, common::Clock& clock,
                               size_t capacity);

 private:
  struct PerSource {
    prometheus::Counter* calls;
    prometheus::Counter* tokens;
    prometheus::Histogram* call_seconds;
    std::map<Outcome, prometheus::Counter*> answers;
    prometheus::Counter* spared;
    prometheus::Counter* passed_over;
    prometheus::Gauge* waiting;
    prometheus::Gauge* budget_remaining;
    prometheus::Gauge* budget_limit;
    prometheus::Gauge* closed;
  };
  std::vector<PerSource> sources_;
  std::map<Verdict, prometheus::Counter*> rounds_;
  std::map<Verdict, prometheus::Histogram*> round_seconds_;
  prometheus::Gauge& at_work_;
  prometheus::Gauge& capacity_;
  prometheus::Gauge& parked_;
  prometheus::Gauge& not_found_entries_;
  prometheus::Counter& not_found_evicted_;
};

// Of the loops and the service.
struct WorkMetrics {
  explicit WorkMetrics(common::MetricRegistry& registry);

  prometheus::Counter& claimed;
  prometheus::Counter& due;
  prometheus::Counter& full;  // no room for another claim
  prometheus::Counter& launches;
  prometheus::Counter& impostors_at_launch;
  prometheus::Counter& impostors_resolved;
  prometheus::Counter& named;
  prometheus::Counter& returned;
  prometheus::Counter& dead_letters;
  prometheus::Counter& detector_failures;
  prometheus::Counter& store_failures;
  prometheus::Counter& attempts_pruned;
  prometheus::Counter& waiters_refused;
  prometheus::Gauge& waiters;
  prometheus::Gauge& token_cursor;
  prometheus::Histogram& store_batch;
};

}  // namespace tokenwatch::resolver

// The metrics of pricing's loops and of its oracle chain; those of serving are in rpc/serving_metrics.h. Names and
// labels are held by a golden test; every series exists at zero from the start.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/metrics/registry.h"
#include "pricing/oracle/chain/oracle_chain.h"
#include "pricing/oracle/observer.h"
#include "pricing/price_request.h"
#include "pricing/service_state.h"

namespace tokenwatch::pricing {

// Of the loops.
struct WorkMetrics {
  explicit WorkMetrics(common::MetricRegistry& registry);

  prometheus::Histogram& flush_seconds;
  prometheus::Counter& flushes;
  prometheus::Counter& flush_failures;
  prometheus::Counter& series_rows;
  prometheus::Counter& candle_rows;
  prometheus::Counter& parked_trades;
  prometheus::Counter& apply_failures;
  prometheus::Counter& detector_failures;
  prometheus::Counter& store_failures;
  prometheus::Counter& references_recorded;
  prometheus::Counter& references_heard;
  prometheus::Counter& references_missed;
  prometheus::Counter& requests_from_log;
  prometheus::Counter& requests_from_oracle;
  prometheus::Counter& requests_put_off;
  prometheus::Counter& requests_expired;
  prometheus::Counter& requests_pruned;
};

// Where the service stands, read before each scrape.
class StateMetrics {
 public:
  // `source` outlives this.
  StateMetrics(common::MetricRegistry& registry, const StateSource& source);

 private:
  void Set(const ServiceState& state);

  prometheus::Counter& trades_;
  prometheus::Counter& repeats_;
  prometheus::Counter& unpriced_;
  prometheus::Counter& late_candles_;
  prometheus::Counter& loads_;
  prometheus::Counter& revived_;
  prometheus::Counter& evicted_;
  prometheus::Counter& venues_left_out_;
  prometheus::Counter& refused_;
  prometheus::Gauge& hot_;
  prometheus::Gauge& dirty_;
  prometheus::Gauge& parked_;
  prometheus::Gauge& kept_;
  prometheus::Gauge& hot_bytes_;
  prometheus::Gauge& cursor_;
  prometheus::Gauge& redo_cursor_;
  prometheus::Gauge& log_head_;
  prometheus::Gauge& lag_;
  prometheus::Gauge& newest_event_;
  prometheus::Gauge& is_writer_;
  common::ScopedSampler sampler_;
};

// Of the oracle chain. Thread-safe.
class OracleMetrics final : public OracleObserver {
 public:
  // `providers` in the chain's order.
  OracleMetrics(common::MetricRegistry& registry, const std::vector<std::string>& providers);

  void OnCall(size_t provider, size_t tokens) override;
  void OnCallEnded(size_t provider, absl::Duration took) override;
  void OnOutcome(size_t provider, Outcome outcome) override;
  void OnSpared(size_t provider) override;
  void OnJoined(size_t provider) override;
  void OnBreaker(size_t provider, BreakerState state) override;
  void OnRetry(size_t provider) override;
  void OnHedge(size_t provider) override;
  void OnHedgeWon(size_t provider) override;
  void OnAnswered(AnsweredBy by, absl::Duration took) override;
  void OnLaneFull(size_t provider) override;
  void OnEvicted(bool alive) override;

  // Reads sizes and budgets before each scrape, until the sampler ends; `chain` must live until then.
  common::ScopedSampler Sample(common::MetricRegistry& registry, const OracleChain& chain);

 private:
  struct PerProvider {
    prometheus::Counter* calls;
    prometheus::Counter* tokens;
    prometheus::Histogram* call_seconds;
    std::map<Outcome, prometheus::Counter*> outcomes;
    prometheus::Counter* spared;
    prometheus::Counter* joined;
    prometheus::Counter* retries;
    prometheus::Counter* hedges;
    prometheus::Counter* hedges_won;
    prometheus::Counter* lane_full;
    std::map<BreakerState, prometheus::Counter*> breaker_changes;
    prometheus::Gauge* breaker_open;
    prometheus::Gauge* budget_remaining;
    prometheus::Gauge* budget_limit;
  };
  std::vector<PerProvider> providers_;
  std::map<AnsweredBy, prometheus::Counter*> answers_;
  std::map<AnsweredBy, prometheus::Histogram*> answer_seconds_;
  prometheus::Counter& evicted_alive_;
  prometheus::Counter& evicted_expired_;
  prometheus::Gauge& waiting_;
  prometheus::Gauge& cached_;
};

}  // namespace tokenwatch::pricing

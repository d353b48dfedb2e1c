// The detector's metrics; names and labels are listed in its README and held by a golden test.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/metrics/registry.h"
#include "common/rpc/pull_stream.h"
#include "detector/log/feed_board.h"
#include "detector/log/log_tail.h"
#include "detector/log/log_writer.h"

namespace tokenwatch::detector {

struct LatencySummary {
  int64_t count = 0;
  absl::Duration p50;
  absl::Duration p95;
  absl::Duration p99;
};

// A latency histogram that can also say its percentiles. Thread-safe.
class LatencyMetric {
 public:
  LatencyMetric(common::MetricRegistry& registry, const std::string& name, const std::string& help);
  void Observe(absl::Duration latency);
  // Since the process began, estimated within buckets.
  LatencySummary Summarize() const;

 private:
  prometheus::Histogram& histogram_;
};

// Thread-safe.
class Metrics final : public WriterObserver {
 public:
  explicit Metrics(common::MetricRegistry& registry);

  const LatencyMetric& launch_latency() const { return launch_latency_; }
  const LatencyMetric& trade_latency() const { return trade_latency_; }

  void OnLeading(bool leads) override;
  void OnCommit(const Commit& commit, absl::Duration took) override;
  void OnPublished(bool has_launches, bool has_trades, absl::Duration latency) override;
  void OnFailure(const absl::Status& status) override;
  void OnUnwritable(const absl::Status& status) override;

  void OnPartitionDropped() { partitions_dropped_.Increment(); }
  void OnQuarantineTrimmed(int64_t frames) { quarantine_trimmed_.Increment(static_cast<double>(frames)); }

 private:
  LatencyMetric launch_latency_;
  LatencyMetric trade_latency_;
  prometheus::Histogram& commit_seconds_;
  prometheus::Histogram& commit_trades_;
  prometheus::Counter& trades_;
  prometheus::Counter& token_events_;
  prometheus::Counter& quarantined_;
  prometheus::Counter& write_failures_;
  prometheus::Counter& unwritable_;
  prometheus::Counter& partitions_dropped_;
  prometheus::Counter& quarantine_trimmed_;
  prometheus::Gauge& leads_;
};

// Values that are read at each scrape: log heads, intake queue, feeds, open streams. The parts outlive it.
class SampledMetrics {
 public:
  SampledMetrics(common::MetricRegistry& registry, const std::vector<std::string>& feeds, const FeedBoard& board,
                 const LogWriter& writer, const LogTail<Trade>& trades, const LogTail<TokenEvent>& events,
                 const common::StreamSet& streams);

 private:
  common::ScopedSampler sampler_;
};

}  // namespace tokenwatch::detector

#include "detector/metrics.h"

#include <algorithm>
#include <limits>
#include <map>

#include "common/log/log.h"
#include "common/metrics/buckets.h"

namespace tokenwatch::detector {
namespace {

// Finer than the shared buckets: the goals are 2 ms and 10 ms.
const std::vector<double>& LogLatencyBuckets() {
  static const auto* buckets =
      new std::vector<double>{0.00025, 0.0005, 0.00075, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01,
                              0.015,   0.02,   0.03,    0.05,  0.1,    0.2,   0.5,   1,     2.5,   5,      10};
  return *buckets;
}

// The value below which `share` of the observations lie, linear within its bucket; the last bound for the open bucket.
double Percentile(const prometheus::ClientMetric::Histogram& histogram, double share) {
  const double wanted = share * static_cast<double>(histogram.sample_count);
  double lower = 0;
  double below = 0;
  for (const auto& bucket : histogram.bucket) {
    const auto upto = static_cast<double>(bucket.cumulative_count);
    if (upto >= wanted && upto > below) {
      if (bucket.upper_bound == std::numeric_limits<double>::infinity()) return lower;
      return lower + (bucket.upper_bound - lower) * (wanted - below) / (upto - below);
    }
    below = upto;
    lower = bucket.upper_bound;
  }
  return lower;
}

}  // namespace

LatencyMetric::LatencyMetric(common::MetricRegistry& registry, const std::string& name, const std::string& help)
    : histogram_(registry.Histogram(name, help, LogLatencyBuckets())) {}

void LatencyMetric::Observe(absl::Duration latency) { histogram_.Observe(absl::ToDoubleSeconds(latency)); }

LatencySummary LatencyMetric::Summarize() const {
  const prometheus::ClientMetric metric = histogram_.Collect();
  LatencySummary summary;
  summary.count = static_cast<int64_t>(metric.histogram.sample_count);
  if (summary.count == 0) return summary;
  summary.p50 = absl::Seconds(Percentile(metric.histogram, 0.50));
  summary.p95 = absl::Seconds(Percentile(metric.histogram, 0.95));
  summary.p99 = absl::Seconds(Percentile(metric.histogram, 0.99));
  return summary;
}

Metrics::Metrics(common::MetricRegistry& registry)
    : launch_latency_(registry, "detector_launch_latency_seconds",
                      "From a launch's arrival to its being durable and handed to the watchers."),
      trade_latency_(registry, "detector_trade_latency_seconds",
                     "From a batch of trades' arrival to its being durable and handed to the readers."),
      commit_seconds_(registry.Histogram("detector_commit_seconds", "Time of one group commit.", LogLatencyBuckets())),
      commit_trades_(
          registry.Histogram("detector_commit_trades", "Trades in one group commit.", common::CountBuckets())),
      trades_(registry.Counter("detector_trades_logged_total", "Trades written to the log.")),
      token_events_(registry.Counter("detector_token_events_total", "Token events written to the log.")),
      quarantined_(registry.Counter("detector_quarantined_total", "Frames put into quarantine.")),
      write_failures_(registry.Counter("detector_write_failures_total", "Sessions or commits that failed.")),
      unwritable_(registry.Counter("detector_unwritable_total", "Events that the database refused for good.")),
      partitions_dropped_(registry.Counter("detector_partitions_dropped_total", "Days of trades dropped.")),
      quarantine_trimmed_(
          registry.Counter("detector_quarantine_trimmed_total", "Frames deleted from a full quarantine.")),
      leads_(registry.Gauge("detector_leads", "1 when this replica writes the log.")) {}

void Metrics::OnLeading(bool leads) {
  leads_.Set(leads ? 1 : 0);
  common::Log(common::Severity::kInfo, leads ? "this replica writes the log" : "this replica follows the log");
}

void Metrics::OnCommit(const Commit& commit, absl::Duration took) {
  commit_seconds_.Observe(absl::ToDoubleSeconds(took));
  commit_trades_.Observe(static_cast<double>(commit.trades.size()));
  trades_.Increment(static_cast<double>(commit.trades.size()));
  token_events_.Increment(static_cast<double>(commit.events.size()));
  quarantined_.Increment(static_cast<double>(commit.quarantine.size()));
}

void Metrics::OnPublished(bool has_launches, bool has_trades, absl::Duration latency) {
  if (has_launches) launch_latency_.Observe(latency);
  if (has_trades) trade_latency_.Observe(latency);
}

void Metrics::OnFailure(const absl::Status& status) {
  write_failures_.Increment();
  TW_LOG_EVERY(absl::Seconds(1), common::Severity::kWarning, "the log cannot be written; trying again",
               {{"error", status.message()}});
}

void Metrics::OnUnwritable(const absl::Status& status) {
  unwritable_.Increment();
  TW_LOG_EVERY(absl::Seconds(1), common::Severity::kError, "the database refuses an event; it is quarantined",
               {{"error", status.message()}});
}

SampledMetrics::SampledMetrics(common::MetricRegistry& registry, const std::vector<std::string>& feeds,
                               const FeedBoard& board, const LogWriter& writer, const LogTail<Trade>& trades,
                               const LogTail<TokenEvent>& events, const common::StreamSet& streams) {
  struct FeedHandles {
    prometheus::Counter& frames;
    prometheus::Counter& launches;
    prometheus::Counter& trades;
    prometheus::Counter& duplicates;
    prometheus::Counter& quarantined;
    prometheus::Counter& failed_transactions;
    prometheus::Counter& events_not_valid;
    prometheus::Counter& unknown_tails;
    prometheus::Counter& curve_key_mismatches;
    prometheus::Counter& nameless_launches;
    prometheus::Gauge& last_frame;
    prometheus::Gauge& up;
  };
  std::map<std::string, FeedHandles> handles;
  for (const std::string& feed : feeds) {
    const common::MetricLabels labels{{"feed", feed}};
    handles.emplace(
        feed,
        FeedHandles{
            registry.Counter("detector_feed_frames_total", "Frames of a feed.", labels),
            registry.Counter("detector_feed_launches_total", "Launches that a feed told first.", labels),
            registry.Counter("detector_feed_trades_total", "Trades that a feed told first.", labels),
            registry.Counter("detector_feed_duplicates_total", "Events that were logged already.", labels),
            registry.Counter("detector_feed_quarantined_total", "Frames of a feed put into quarantine.", labels),
            registry.Counter("detector_feed_failed_transactions_total", "Transactions that carry an error.", labels),
            registry.Counter("detector_feed_events_not_valid_total",
                             "Events of invocations that failed or whose end the logs do not show.", labels),
            registry.Counter("detector_feed_unknown_tails_total", "Events longer than the newest layout known.",
                             labels),
            registry.Counter("detector_feed_curve_key_mismatches_total",
                             "Launches whose curve key is not the one derived from the mint.", labels),
            registry.Counter("detector_feed_nameless_launches_total", "Launches without a name.", labels),
            registry.Gauge("detector_feed_last_frame_timestamp_seconds", "Arrival of the newest frame.", labels),
            registry.Gauge("detector_feed_up", "1 while a feed is live.", labels)});
  }
  prometheus::Gauge& trade_cursor = registry.Gauge("detector_trade_cursor", "Head of the trade log.");
  prometheus::Gauge& token_cursor = registry.Gauge("detector_token_cursor", "Head of the token log.");
  prometheus::Gauge& queue = registry.Gauge("detector_intake_queue", "Pieces of intake that wait for the writer.");
  prometheus::Gauge& open = registry.Gauge("detector_streams_open", "Streams being served.");
  prometheus::Counter& refused = registry.Counter("detector_streams_refused_total", "Streams refused at the limit.");
  prometheus::Counter& cut_off = registry.Counter("detector_streams_cut_off_total", "Slow readers that were cut off.");
  sampler_ = registry.Sample([=, &board, &writer, &trades, &events, &streams, &trade_cursor, &token_cursor, &queue,
                              &open, &refused, &cut_off] {
    for (const FeedReport& report : board.Report()) {
      const auto found = handles.find(report.name);
      if (found == handles.end()) continue;
      const FeedHandles& feed = found->second;
      common::RaiseTo(feed.frames, static_cast<double>(report.decoded.frames));
      common::RaiseTo(feed.failed_transactions, static_cast<double>(report.decoded.failed_transactions));
      common::RaiseTo(feed.events_not_valid, static_cast<double>(report.decoded.events_not_valid));
      common::RaiseTo(feed.unknown_tails, static_cast<double>(report.decoded.unknown_tails));
      common::RaiseTo(feed.curve_key_mismatches, static_cast<double>(report.decoded.curve_key_mismatches));
      common::RaiseTo(feed.nameless_launches, static_cast<double>(report.decoded.nameless_launches));
      common::RaiseTo(feed.launches, static_cast<double>(report.counts.launches));
      common::RaiseTo(feed.trades, static_cast<double>(report.counts.trades));
      common::RaiseTo(feed.duplicates, static_cast<double>(report.counts.duplicates));
      common::RaiseTo(feed.quarantined, static_cast<double>(report.counts.quarantined));
      feed.last_frame.Set(absl::ToDoubleSeconds(std::max(report.last_frame_at, absl::UnixEpoch()) - absl::UnixEpoch()));
      feed.up.Set(report.state == FeedState::kLive ? 1 : 0);
    }
    trade_cursor.Set(static_cast<double>(trades.head()));
    token_cursor.Set(static_cast<double>(events.head()));
    queue.Set(static_cast<double>(writer.queue_depth()));
    const common::StreamSet::Counts counts = streams.counts();
    open.Set(static_cast<double>(counts.open));
    common::RaiseTo(refused, static_cast<double>(counts.refused));
    common::RaiseTo(cut_off, static_cast<double>(counts.cut_off));
  });
}

}  // namespace tokenwatch::detector

#include "detector/metrics.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_split.h"
#include "detector/log/fake_store_for_test.h"

namespace tokenwatch::detector {
namespace {

using ::testing::UnorderedElementsAre;

TEST(MetricsTest, NamesAndLabelsAreThoseOfTheReadme) {
  common::MetricRegistry registry;
  Metrics metrics(registry);
  FakeStore store;
  LogTail<Trade> trades(1);
  LogTail<TokenEvent> events(1);
  FeedBoard board;
  const LogWriter writer({}, store, trades, events, board, metrics, common::SystemClock::Instance());
  const common::StreamSet streams({});
  const SampledMetrics sampled(registry, {"solana", "pumpportal"}, board, writer, trades, events, streams);
  const std::vector<std::string> names = registry.Names();
  EXPECT_THAT(
      names,
      UnorderedElementsAre(
          "detector_commit_seconds histogram", "detector_commit_trades histogram",
          "detector_feed_curve_key_mismatches_total counter feed", "detector_feed_events_not_valid_total counter feed",
          "detector_feed_failed_transactions_total counter feed", "detector_feed_nameless_launches_total counter feed",
          "detector_feed_unknown_tails_total counter feed", "detector_feed_duplicates_total counter feed",
          "detector_feed_frames_total counter feed", "detector_feed_last_frame_timestamp_seconds gauge feed",
          "detector_feed_launches_total counter feed", "detector_feed_quarantined_total counter feed",
          "detector_feed_trades_total counter feed", "detector_feed_up gauge feed", "detector_intake_queue gauge",
          "detector_launch_latency_seconds histogram", "detector_leads gauge",
          "detector_partitions_dropped_total counter", "detector_quarantine_trimmed_total counter",
          "detector_quarantined_total counter", "detector_streams_cut_off_total counter", "detector_streams_open gauge",
          "detector_streams_refused_total counter", "detector_token_cursor gauge",
          "detector_token_events_total counter", "detector_trade_cursor gauge",
          "detector_trade_latency_seconds histogram", "detector_trades_logged_total counter",
          "detector_unwritable_total counter", "detector_write_failures_total counter"));
  const char* const source = std::getenv("TOKENWATCH_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run by ctest, or set it to the root of the repository";
  std::ifstream file(std::string(source) + "/detector/README.md");
  const std::string readme(std::istreambuf_iterator<char>(file), {});
  for (const std::string& line : names) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    EXPECT_NE(readme.find("`" + words[0] + "`"), std::string::npos) << words[0];
  }
}

TEST(MetricsTest, PercentilesAreEstimatedWithinBuckets) {
  common::MetricRegistry registry;
  LatencyMetric latency(registry, "test_seconds", "A test.");
  EXPECT_EQ(latency.Summarize().count, 0);
  for (int i = 0; i < 98; ++i) latency.Observe(absl::Microseconds(1800));
  latency.Observe(absl::Milliseconds(40));
  latency.Observe(absl::Hours(1));
  const LatencySummary summary = latency.Summarize();
  EXPECT_EQ(summary.count, 100);
  EXPECT_GT(summary.p50, absl::Microseconds(1500));
  EXPECT_LE(summary.p50, absl::Milliseconds(2));
  EXPECT_LE(summary.p95, absl::Milliseconds(2));
  EXPECT_GT(summary.p99, absl::Milliseconds(30));
  EXPECT_LE(summary.p99, absl::Milliseconds(50));
}

}  // namespace
}  // namespace tokenwatch::detector

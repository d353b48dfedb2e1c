#include <cmath>
#include <latch>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "common/metrics/buckets.h"
#include "common/metrics/executor_metrics.h"
#include "common/metrics/process_metrics.h"
#include "common/metrics/registry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

BugSite test_site("metrics_test");

// The value of an unlabelled series in the exposition; -1 when it is not there.
double ValueOf(const std::string& text, const std::string& series) {
  const size_t at = text.find("\n" + series + " ");
  if (at == std::string::npos) return -1;
  const size_t begin = at + series.size() + 2;
  double value = -1;
  return absl::SimpleAtod(text.substr(begin, text.find('\n', begin) - begin), &value) ? value : -1;
}

TEST(MetricRegistry, SeriesExistAtZeroAndTheSameNameGivesTheSameHandle) {
  MetricRegistry registry;
  auto& counter = registry.Counter("frames_total", "Frames.", {{"kind", "a"}});
  registry.Counter("frames_total", "Frames.", {{"kind", "b"}});
  EXPECT_THAT(registry.Text(), HasSubstr("frames_total{kind=\"a\"} 0"));
  EXPECT_THAT(registry.Text(), HasSubstr("frames_total{kind=\"b\"} 0"));
  EXPECT_EQ(&registry.Counter("frames_total", "Frames.", {{"kind", "a"}}), &counter);
  counter.Increment();
  EXPECT_THAT(registry.Text(), HasSubstr("frames_total{kind=\"a\"} 1"));
}

TEST(MetricRegistry, NamesAreSortedWithTypesAndLabels) {
  MetricRegistry registry;
  registry.Histogram("wait_seconds", "Wait.", LatencySecondsBuckets(), {{"pool", "a"}});
  registry.Gauge("depth", "Depth.");
  registry.Counter("calls_total", "Calls.", {{"method", "m"}, {"code", "OK"}});
  EXPECT_THAT(registry.Names(),
              ElementsAre("calls_total counter code,method", "depth gauge", "wait_seconds histogram pool"));
}

TEST(MetricRegistry, SamplersRunBeforeAScrapeUntilTheyAreDestroyed) {
  MetricRegistry registry;
  auto& gauge = registry.Gauge("depth", "Depth.");
  double depth = 3;
  {
    ScopedSampler sampler = registry.Sample([&] { gauge.Set(depth); });
    ScopedSampler moved = std::move(sampler);
    EXPECT_EQ(ValueOf(registry.Text(), "depth"), 3);
    depth = 4;
    EXPECT_EQ(ValueOf(registry.Text(), "depth"), 4);
  }
  depth = 5;
  EXPECT_EQ(ValueOf(registry.Text(), "depth"), 4);
}

TEST(MetricRegistryDeathTest, AMalformedNameAndATypeClashSayWhichMetric) {
  MetricRegistry registry;
  registry.Gauge("depth", "Depth.");
  EXPECT_DEATH(registry.Counter("not a name", ""), "metric \"not a name\" cannot be registered");
  EXPECT_DEATH(registry.Counter("depth", "Depth."), "metric \"depth\" cannot be registered");
}

TEST(RaiseTo, NeverLowers) {
  prometheus::Counter counter;
  RaiseTo(counter, 5);
  RaiseTo(counter, 3);
  EXPECT_EQ(counter.Value(), 5);
}

TEST(Buckets, AreStrictlyAscending) {
  for (const auto* buckets : {&LatencySecondsBuckets(), &AgeSecondsBuckets(), &CountBuckets(), &BytesBuckets()}) {
    for (size_t i = 1; i < buckets->size(); ++i) EXPECT_LT((*buckets)[i - 1], (*buckets)[i]);
  }
}

TEST(ExecutorMetrics, ShowsDepthAndRefusals) {
  MetricRegistry registry;
  Executor executor({.name = "reads", .threads = 1, .queue_capacity = 1});
  const ExecutorMetrics metrics(registry, executor);
  EXPECT_THAT(registry.Text(), HasSubstr("executor_refused_total{executor=\"reads\"} 0"));
  std::latch started(1);
  std::latch release(1);
  ASSERT_TRUE(executor.TrySubmit([&] {
    started.count_down();
    release.wait();
  }));
  started.wait();
  ASSERT_TRUE(executor.TrySubmit([] {}));
  ASSERT_FALSE(executor.TrySubmit([] {}));
  const std::string text = registry.Text();
  release.count_down();
  EXPECT_TRUE(executor.Drain(absl::Seconds(30)));  // before the latches are gone
  EXPECT_THAT(text, HasSubstr("executor_queue_depth{executor=\"reads\"} 1"));
  EXPECT_THAT(text, HasSubstr("executor_running{executor=\"reads\"} 1"));
  EXPECT_THAT(text, HasSubstr("executor_refused_total{executor=\"reads\"} 1"));
}

TEST(ProcessMetrics, ReadsPlausibleValues) {
  MetricRegistry registry;
  const ProcessMetrics metrics(registry, "test");
  const std::string text = registry.Text();
  EXPECT_GT(ValueOf(text, "process_resident_memory_bytes"), 1e5);
  EXPECT_GE(ValueOf(text, "process_open_fds"), 3);
  EXPECT_GE(ValueOf(text, "process_max_fds"), ValueOf(text, "process_open_fds"));
  EXPECT_GE(ValueOf(text, "process_threads"), 1);
  EXPECT_GE(ValueOf(text, "process_cpu_seconds_total"), 0);
  const double start = ValueOf(text, "process_start_time_seconds");
  EXPECT_LT(std::abs(start - absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch())), 3600);
  EXPECT_THAT(text, HasSubstr("service=\"test\""));
}

TEST(ProcessMetrics, GoldenNames) {
  MetricRegistry registry;
  const ProcessMetrics metrics(registry, "test");
  EXPECT_THAT(registry.Names(),
              ElementsAre("bug_total counter site", "build_info gauge compiler,service,version",
                          "log_lines_dropped_total counter", "process_cpu_seconds_total counter",
                          "process_max_fds gauge", "process_open_fds gauge", "process_resident_memory_bytes gauge",
                          "process_start_time_seconds gauge", "process_threads gauge"));
}

TEST(BugSite, IsServedAtZeroAndCounts) {
  MetricRegistry registry;
  const BugMetrics metrics(registry);
  EXPECT_THAT(registry.Text(), HasSubstr("bug_total{site=\"metrics_test\"} 0"));
  test_site.Report("on purpose");
  EXPECT_THAT(registry.Text(), HasSubstr("bug_total{site=\"metrics_test\"} 1"));
}

}  // namespace
}  // namespace tokenwatch::common

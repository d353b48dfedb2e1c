#include "common/postgres/postgres_metrics.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Statement kReads[] = {{"get", "SELECT 1", absl::Seconds(1)}, {"heads", "SELECT 2", absl::Seconds(1)}};
constexpr Statement kWrites[] = {{"heads", "SELECT 2", absl::Seconds(1)}, {"put", "SELECT 3", absl::Seconds(1)}};

TEST(PostgresMetrics, NamesAndLabels) {
  MetricRegistry registry;
  const PostgresMetrics metrics(registry, {kReads});
  EXPECT_THAT(registry.Names(),
              ElementsAre("postgres_acquire_failures_total counter", "postgres_acquire_seconds histogram",
                          "postgres_broken_connections_total counter", "postgres_pool_connections gauge state",
                          "postgres_pool_waiting gauge", "postgres_statement_failures_total counter statement",
                          "postgres_statement_seconds histogram statement"));
}

TEST(PostgresMetrics, StatementsOfAllCataloguesAreServedAtZero) {
  MetricRegistry registry;
  const PostgresMetrics metrics(registry, {kReads, kWrites});
  for (const char* const name : {"get", "heads", "put"}) {
    const std::string label = std::string("{statement=\"") + name + "\"} 0";
    EXPECT_THAT(registry.Text(), HasSubstr("postgres_statement_failures_total" + label));
    EXPECT_THAT(registry.Text(), HasSubstr("postgres_statement_seconds_count" + label));
  }
}

TEST(PostgresMetrics, WhatIsReportedIsServed) {
  MetricRegistry registry;
  PostgresMetrics metrics(registry, {kReads});
  metrics.OnPool(/*open=*/5, /*busy=*/3, /*waiting=*/2);
  metrics.OnAcquire(absl::Milliseconds(250), absl::StatusCode::kOk);
  metrics.OnAcquire(absl::Seconds(1), absl::StatusCode::kDeadlineExceeded);
  metrics.OnBroken();
  metrics.OnStatement("get", absl::Milliseconds(500), absl::StatusCode::kOk);
  metrics.OnStatement("get", absl::Milliseconds(500), absl::StatusCode::kAborted);
  const std::string text = registry.Text();
  for (const char* const line : {
           "postgres_pool_connections{state=\"open\"} 5\n",
           "postgres_pool_connections{state=\"busy\"} 3\n",
           "postgres_pool_waiting 2\n",
           "postgres_acquire_seconds_count 2\n",
           "postgres_acquire_seconds_sum 1.25\n",
           "postgres_acquire_failures_total 1\n",
           "postgres_broken_connections_total 1\n",
           "postgres_statement_seconds_count{statement=\"get\"} 2\n",
           "postgres_statement_seconds_sum{statement=\"get\"} 1\n",
           "postgres_statement_failures_total{statement=\"get\"} 1\n",
           "postgres_statement_failures_total{statement=\"heads\"} 0\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(PostgresMetrics, AStatementOfNoCatalogueMakesNoSeries) {
  MetricRegistry registry;
  PostgresMetrics metrics(registry, {kReads});
  metrics.OnStatement("put", absl::Milliseconds(500), absl::StatusCode::kOk);
  EXPECT_THAT(registry.Text(), Not(HasSubstr("statement=\"put\"")));
}

}  // namespace
}  // namespace tokenwatch::common

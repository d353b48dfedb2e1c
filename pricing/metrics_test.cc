#include "pricing/metrics.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace tokenwatch::pricing {
namespace {

class StandingSource final : public StateSource {
 public:
  ServiceState state() const override { return held; }
  ServiceState held;
};

double Value(common::MetricRegistry& registry, const std::string& series) {
  for (const absl::string_view line : absl::StrSplit(registry.Text(), '\n')) {
    if (!absl::StartsWith(line, series + " ")) continue;
    return std::stod(std::string(line.substr(series.size() + 1)));
  }
  ADD_FAILURE() << "there is no series " << series;
  return -1;
}

// Dashboards and alerts use these names: a change here is a change there.
TEST(PricingMetrics, NamesAndLabels) {
  common::MetricRegistry registry;
  const WorkMetrics work(registry);
  const StandingSource source;
  const StateMetrics state(registry, source);
  const OracleMetrics oracle(registry, {"dexscreener"});
  EXPECT_THAT(registry.Names(), ::testing::ElementsAre(                                             //
                                    "pricing_apply_failures_total counter",                         //
                                    "pricing_batches_refused_total counter",                        //
                                    "pricing_cursor gauge",                                         //
                                    "pricing_detector_failures_total counter",                      //
                                    "pricing_flush_failures_total counter",                         //
                                    "pricing_flush_seconds histogram",                              //
                                    "pricing_flushes_total counter",                                //
                                    "pricing_hot_bytes gauge",                                      //
                                    "pricing_is_writer gauge",                                      //
                                    "pricing_late_candles_total counter",                           //
                                    "pricing_loads_total counter",                                  //
                                    "pricing_log_head gauge",                                       //
                                    "pricing_log_lag gauge",                                        //
                                    "pricing_newest_event_seconds gauge",                           //
                                    "pricing_oracle_answer_seconds histogram by",                   //
                                    "pricing_oracle_answers_total counter by",                      //
                                    "pricing_oracle_breaker_changes_total counter provider,state",  //
                                    "pricing_oracle_breaker_open gauge provider",                   //
                                    "pricing_oracle_budget_limit gauge provider",                   //
                                    "pricing_oracle_budget_remaining gauge provider",               //
                                    "pricing_oracle_cached gauge",                                  //
                                    "pricing_oracle_call_seconds histogram provider",               //
                                    "pricing_oracle_calls_total counter provider",                  //
                                    "pricing_oracle_evicted_total counter state",                   //
                                    "pricing_oracle_hedges_total counter provider",                 //
                                    "pricing_oracle_hedges_won_total counter provider",             //
                                    "pricing_oracle_joined_total counter provider",                 //
                                    "pricing_oracle_lane_full_total counter provider",              //
                                    "pricing_oracle_outcomes_total counter outcome,provider",       //
                                    "pricing_oracle_retries_total counter provider",                //
                                    "pricing_oracle_spared_total counter provider",                 //
                                    "pricing_oracle_tokens_total counter provider",                 //
                                    "pricing_oracle_waiting gauge",                                 //
                                    "pricing_parked_trades_total counter",                          //
                                    "pricing_redo_cursor gauge",                                    //
                                    "pricing_references_missed_total counter",                      //
                                    "pricing_references_total counter origin",                      //
                                    "pricing_requests_pruned_total counter",                        //
                                    "pricing_requests_total counter outcome",                       //
                                    "pricing_rows_written_total counter table",                     //
                                    "pricing_series gauge state",                                   //
                                    "pricing_series_evicted_total counter",                         //
                                    "pricing_series_revived_total counter",                         //
                                    "pricing_store_failures_total counter",                         //
                                    "pricing_trades_folded_total counter",                          //
                                    "pricing_trades_repeated_total counter",                        //
                                    "pricing_trades_unpriced_total counter",                        //
                                    "pricing_venues_left_out_total counter"));
}

TEST(PricingMetrics, StateIsReadWhenScraped) {
  common::MetricRegistry registry;
  StandingSource source;
  const StateMetrics metrics(registry, source);
  EXPECT_EQ(Value(registry, "pricing_is_writer"), 0);
  EXPECT_EQ(Value(registry, "pricing_newest_event_seconds"), 0) << "nothing has happened yet";
  source.held.position.cursor = 90;
  source.held.position.redo_cursor = 70;
  source.held.position.newest_event = absl::FromUnixSeconds(1'783'087'200);
  source.held.log_head = 100;
  source.held.is_writer = true;
  source.held.fold.trades = 42;
  source.held.fold.dirty = 3;
  EXPECT_EQ(Value(registry, "pricing_cursor"), 90);
  EXPECT_EQ(Value(registry, "pricing_redo_cursor"), 70);
  EXPECT_EQ(Value(registry, "pricing_log_lag"), 10);
  EXPECT_EQ(Value(registry, "pricing_newest_event_seconds"), 1'783'087'200);
  EXPECT_EQ(Value(registry, "pricing_is_writer"), 1);
  EXPECT_EQ(Value(registry, "pricing_trades_folded_total"), 42);
  EXPECT_EQ(Value(registry, "pricing_series{state=\"dirty\"}"), 3);
  // The head is heard of later than trades come in.
  source.held.log_head = 80;
  EXPECT_EQ(Value(registry, "pricing_log_lag"), 0);
}

TEST(PricingMetrics, TheOraclesWorkIsCounted) {
  common::MetricRegistry registry;
  OracleMetrics metrics(registry, {"dexscreener", "jupiter"});
  metrics.OnCall(1, 30);
  metrics.OnOutcome(1, Outcome::kRateLimited);
  metrics.OnBreaker(1, BreakerState::kOpen);
  metrics.OnAnswered(AnsweredBy::kStaleCache, absl::ZeroDuration());
  metrics.OnEvicted(true);
  EXPECT_EQ(Value(registry, "pricing_oracle_calls_total{provider=\"jupiter\"}"), 1);
  EXPECT_EQ(Value(registry, "pricing_oracle_calls_total{provider=\"dexscreener\"}"), 0);
  EXPECT_EQ(Value(registry, "pricing_oracle_tokens_total{provider=\"jupiter\"}"), 30);
  EXPECT_EQ(Value(registry, "pricing_oracle_outcomes_total{outcome=\"rate_limited\",provider=\"jupiter\"}"), 1);
  EXPECT_EQ(Value(registry, "pricing_oracle_breaker_open{provider=\"jupiter\"}"), 1);
  metrics.OnBreaker(1, BreakerState::kClosed);
  EXPECT_EQ(Value(registry, "pricing_oracle_breaker_open{provider=\"jupiter\"}"), 0);
  EXPECT_EQ(Value(registry, "pricing_oracle_answers_total{by=\"stale_cache\"}"), 1);
  EXPECT_EQ(Value(registry, "pricing_oracle_evicted_total{state=\"alive\"}"), 1);
}

}  // namespace
}  // namespace tokenwatch::pricing

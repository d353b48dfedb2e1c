#include "resolver/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tokenwatch::resolver {
namespace {

// Dashboards and alerts use these names: a change here is a change there.
TEST(Metrics, NamesAndLabels) {
  common::MetricRegistry registry;
  const CascadeMetrics cascade(registry, {"onchain"});
  const WorkMetrics work(registry);
  EXPECT_THAT(registry.Names(),
              ::testing::ElementsAre("resolver_attempts_pruned_total counter",                //
                                     "resolver_claimed_total counter",                        //
                                     "resolver_completions_total counter kind",               //
                                     "resolver_dead_letters_total counter",                   //
                                     "resolver_detector_failures_total counter",              //
                                     "resolver_due_total counter",                            //
                                     "resolver_full_total counter",                           //
                                     "resolver_impostors_total counter origin",               //
                                     "resolver_launches_examined_total counter",              //
                                     "resolver_not_found_entries gauge",                      //
                                     "resolver_not_found_evicted_total counter",              //
                                     "resolver_round_seconds histogram verdict",              //
                                     "resolver_rounds_total counter verdict",                 //
                                     "resolver_source_answers_total counter outcome,source",  //
                                     "resolver_source_budget_limit gauge source",             //
                                     "resolver_source_budget_remaining gauge source",         //
                                     "resolver_source_call_seconds histogram source",         //
                                     "resolver_source_calls_total counter source",            //
                                     "resolver_source_closed gauge source",                   //
                                     "resolver_source_passed_over_total counter source",      //
                                     "resolver_source_spared_total counter source",           //
                                     "resolver_source_tokens_total counter source",           //
                                     "resolver_source_waiting gauge source",                  //
                                     "resolver_store_batch_size histogram",                   //
                                     "resolver_store_failures_total counter",                 //
                                     "resolver_token_cursor gauge",                           //
                                     "resolver_tokens_at_work gauge",                         //
                                     "resolver_tokens_capacity gauge",                        //
                                     "resolver_tokens_parked gauge",                          //
                                     "resolver_waiters gauge",                                //
                                     "resolver_waiters_refused_total counter"));
}

}  // namespace
}  // namespace tokenwatch::resolver

#include "pricing/metrics.h"

#include <algorithm>

#include "common/metrics/buckets.h"

namespace tokenwatch::pricing {
namespace {

using common::LatencySecondsBuckets;
using common::MetricRegistry;
using common::RaiseTo;

constexpr Outcome kAllOutcomes[] = {
    Outcome::kFound,   Outcome::kNotFound,    Outcome::kNoPrice, Outcome::kBadAnswer, Outcome::kRateLimited,
    Outcome::kTimeout, Outcome::kUnavailable, Outcome::kRefused, Outcome::kNoBudget,  Outcome::kBreakerOpen};
constexpr BreakerState kAllBreakerStates[] = {BreakerState::kClosed, BreakerState::kOpen, BreakerState::kHalfOpen};
constexpr std::pair<AnsweredBy, const char*> kAllAnswers[] = {
    {AnsweredBy::kCache, "cache"},     {AnsweredBy::kStaleCache, "stale_cache"},
    {AnsweredBy::kSources, "sources"}, {AnsweredBy::kNobody, "nobody"},
    {AnsweredBy::kRefused, "refused"}, {AnsweredBy::kInterrupted, "interrupted"}};

}  // namespace

WorkMetrics::WorkMetrics(MetricRegistry& registry)
    : flush_seconds(registry.Histogram("pricing_flush_seconds", "Time of one transaction that writes what was folded.",
                                       LatencySecondsBuckets())),
      flushes(registry.Counter("pricing_flushes_total", "Transactions that wrote what was folded.")),
      flush_failures(registry.Counter("pricing_flush_failures_total", "Such transactions that failed, or may have.")),
      series_rows(registry.Counter("pricing_rows_written_total", "Rows written.", {{"table", "token_prices"}})),
      candle_rows(registry.Counter("pricing_rows_written_total", "Rows written.", {{"table", "candles"}})),
      parked_trades(registry.Counter("pricing_parked_trades_total", "Trades written as parked.")),
      apply_failures(registry.Counter("pricing_apply_failures_total", "Batches that could not be folded at once.")),
      detector_failures(registry.Counter("pricing_detector_failures_total", "Calls to the detector that failed.")),
      store_failures(registry.Counter("pricing_store_failures_total", "Reads and writes of loops that failed.")),
      references_recorded(registry.Counter("pricing_references_total", "References learnt.", {{"origin", "file"}})),
      references_heard(registry.Counter("pricing_references_total", "References learnt.", {{"origin", "oracle"}})),
      references_missed(registry.Counter("pricing_references_missed_total", "Questions for a reference in vain.")),
      requests_from_log(
          registry.Counter("pricing_requests_total", "What became of price requests.", {{"outcome", "log"}})),
      requests_from_oracle(
          registry.Counter("pricing_requests_total", "What became of price requests.", {{"outcome", "oracle"}})),
      requests_put_off(
          registry.Counter("pricing_requests_total", "What became of price requests.", {{"outcome", "put_off"}})),
      requests_expired(
          registry.Counter("pricing_requests_total", "What became of price requests.", {{"outcome", "expired"}})),
      requests_pruned(registry.Counter("pricing_requests_pruned_total", "Ended price requests deleted.")) {}

StateMetrics::StateMetrics(MetricRegistry& registry, const StateSource& source)
    : trades_(registry.Counter("pricing_trades_folded_total", "Trades folded.")),
      repeats_(registry.Counter("pricing_trades_repeated_total", "Trades that were in already.")),
      unpriced_(registry.Counter("pricing_trades_unpriced_total", "Trades that are no price.")),
      late_candles_(registry.Counter("pricing_late_candles_total", "Trades of another minute than the newest.")),
      loads_(registry.Counter("pricing_loads_total", "Series and chunks read from the database by the fold.")),
      revived_(registry.Counter("pricing_series_revived_total", "Series made again from the log.")),
      evicted_(registry.Counter("pricing_series_evicted_total", "Series that left memory.")),
      venues_left_out_(registry.Counter("pricing_venues_left_out_total", "Trades of a venue too many for its series.")),
      refused_(registry.Counter("pricing_batches_refused_total", "Batches that waited for memory to be written.")),
      hot_(registry.Gauge("pricing_series", "Series by where they are.", {{"state", "hot"}})),
      dirty_(registry.Gauge("pricing_series", "Series by where they are.", {{"state", "dirty"}})),
      parked_(registry.Gauge("pricing_series", "Series by where they are.", {{"state", "parked"}})),
      kept_(registry.Gauge("pricing_series", "Series by where they are.", {{"state", "kept"}})),
      hot_bytes_(registry.Gauge("pricing_hot_bytes", "Bytes that series in memory take, about.")),
      cursor_(registry.Gauge("pricing_cursor", "How far the log is folded.")),
      redo_cursor_(registry.Gauge("pricing_redo_cursor", "From where a restart would fold again.")),
      log_head_(registry.Gauge("pricing_log_head", "The newest position of the log, as last heard.")),
      lag_(registry.Gauge("pricing_log_lag", "Positions of the log that are not folded yet.")),
      newest_event_(registry.Gauge("pricing_newest_event_seconds", "Event time of the newest trade, of the epoch.")),
      is_writer_(registry.Gauge("pricing_is_writer", "1 in the replica that writes.")),
      sampler_(registry.Sample([this, &source] { Set(source.state()); })) {}

void StateMetrics::Set(const ServiceState& state) {
  RaiseTo(trades_, static_cast<double>(state.fold.trades));
  RaiseTo(repeats_, static_cast<double>(state.fold.repeats));
  RaiseTo(unpriced_, static_cast<double>(state.fold.unpriced));
  RaiseTo(late_candles_, static_cast<double>(state.fold.late_candles));
  RaiseTo(loads_, static_cast<double>(state.fold.loads));
  RaiseTo(revived_, static_cast<double>(state.fold.revived));
  RaiseTo(evicted_, static_cast<double>(state.fold.evicted));
  RaiseTo(venues_left_out_, static_cast<double>(state.fold.venues_left_out));
  RaiseTo(refused_, static_cast<double>(state.fold.refused));
  hot_.Set(static_cast<double>(state.fold.hot));
  dirty_.Set(static_cast<double>(state.fold.dirty));
  parked_.Set(static_cast<double>(state.fold.parked));
  kept_.Set(static_cast<double>(state.fold.kept));
  hot_bytes_.Set(static_cast<double>(state.fold.hot_bytes));
  cursor_.Set(static_cast<double>(state.position.cursor));
  redo_cursor_.Set(static_cast<double>(state.position.redo_cursor));
  log_head_.Set(static_cast<double>(state.log_head));
  lag_.Set(static_cast<double>(state.log_head - std::min(state.log_head, state.position.cursor)));
  const absl::Time newest = state.position.newest_event;
  newest_event_.Set(newest == absl::InfinitePast() ? 0 : absl::ToDoubleSeconds(newest - absl::UnixEpoch()));
  is_writer_.Set(state.is_writer ? 1 : 0);
}

OracleMetrics::OracleMetrics(MetricRegistry& registry, const std::vector<std::string>& providers)
    : evicted_alive_(
          registry.Counter("pricing_oracle_evicted_total", "Answers a full cache forgot.", {{"state", "alive"}})),
      evicted_expired_(
          registry.Counter("pricing_oracle_evicted_total", "Answers a full cache forgot.", {{"state", "expired"}})),
      waiting_(registry.Gauge("pricing_oracle_waiting", "Questions that wait for an answer.")),
      cached_(registry.Gauge("pricing_oracle_cached", "Answers in the cache.")) {
  for (const std::string& name : providers) {
    const common::MetricLabels labels = {{"provider", name}};
    PerProvider of;
    of.calls = &registry.Counter("pricing_oracle_calls_total", "Calls made to a provider.", labels);
    of.tokens = &registry.Counter("pricing_oracle_tokens_total", "Tokens a provider was asked about.", labels);
    of.call_seconds =
        &registry.Histogram("pricing_oracle_call_seconds", "Time a call took.", LatencySecondsBuckets(), labels);
    for (const Outcome outcome : kAllOutcomes) {
      of.outcomes[outcome] =
          &registry.Counter("pricing_oracle_outcomes_total", "What providers said about tokens, or why not asked.",
                            {{"provider", name}, {"outcome", std::string(ToWord(outcome))}});
    }
    of.spared = &registry.Counter("pricing_oracle_spared_total", "Questions the negative cache spared.", labels);
    of.joined = &registry.Counter("pricing_oracle_joined_total", "Questions that joined one on its way.", labels);
    of.retries = &registry.Counter("pricing_oracle_retries_total", "Calls made again.", labels);
    of.hedges = &registry.Counter("pricing_oracle_hedges_total", "Calls made because another is slow.", labels);
    of.hedges_won = &registry.Counter("pricing_oracle_hedges_won_total", "Of those, the ones that were first.", labels);
    of.lane_full = &registry.Counter("pricing_oracle_lane_full_total", "Questions refused: too many wait.", labels);
    for (const BreakerState state : kAllBreakerStates) {
      of.breaker_changes[state] =
          &registry.Counter("pricing_oracle_breaker_changes_total", "Changes of a breaker, by what it became.",
                            {{"provider", name}, {"state", std::string(ToWord(state))}});
    }
    of.breaker_open = &registry.Gauge("pricing_oracle_breaker_open", "1 while the breaker is not closed.", labels);
    of.budget_remaining = &registry.Gauge("pricing_oracle_budget_remaining", "Calls left in the window.", labels);
    of.budget_limit = &registry.Gauge("pricing_oracle_budget_limit", "Calls of a window; 0: no limit.", labels);
    providers_.push_back(std::move(of));
  }
  for (const auto& [by, word] : kAllAnswers) {
    const common::MetricLabels labels = {{"by", word}};
    answers_[by] = &registry.Counter("pricing_oracle_answers_total", "Questions by how they were answered.", labels);
    answer_seconds_[by] =
        &registry.Histogram("pricing_oracle_answer_seconds", "Time of an answer.", LatencySecondsBuckets(), labels);
  }
}

void OracleMetrics::OnCall(size_t provider, size_t tokens) {
  providers_[provider].calls->Increment();
  providers_[provider].tokens->Increment(static_cast<double>(tokens));
}
void OracleMetrics::OnCallEnded(size_t provider, absl::Duration took) {
  providers_[provider].call_seconds->Observe(absl::ToDoubleSeconds(took));
}
void OracleMetrics::OnOutcome(size_t provider, Outcome outcome) {
  providers_[provider].outcomes.at(outcome)->Increment();
}
void OracleMetrics::OnSpared(size_t provider) { providers_[provider].spared->Increment(); }
void OracleMetrics::OnJoined(size_t provider) { providers_[provider].joined->Increment(); }
void OracleMetrics::OnBreaker(size_t provider, BreakerState state) {
  providers_[provider].breaker_changes.at(state)->Increment();
  providers_[provider].breaker_open->Set(state == BreakerState::kClosed ? 0 : 1);
}
void OracleMetrics::OnRetry(size_t provider) { providers_[provider].retries->Increment(); }
void OracleMetrics::OnHedge(size_t provider) { providers_[provider].hedges->Increment(); }
void OracleMetrics::OnHedgeWon(size_t provider) { providers_[provider].hedges_won->Increment(); }
void OracleMetrics::OnAnswered(AnsweredBy by, absl::Duration took) {
  answers_.at(by)->Increment();
  answer_seconds_.at(by)->Observe(absl::ToDoubleSeconds(took));
}
void OracleMetrics::OnLaneFull(size_t provider) { providers_[provider].lane_full->Increment(); }
void OracleMetrics::OnEvicted(bool alive) { (alive ? evicted_alive_ : evicted_expired_).Increment(); }

common::ScopedSampler OracleMetrics::Sample(MetricRegistry& registry, const OracleChain& chain) {
  return registry.Sample([this, &chain] {
    const OracleChain::Sizes sizes = chain.sizes();
    waiting_.Set(static_cast<double>(sizes.waiting));
    cached_.Set(static_cast<double>(sizes.cached));
    const std::vector<ProviderState> states = chain.providers();
    for (size_t i = 0; i < providers_.size() && i < states.size(); ++i) {
      providers_[i].budget_remaining->Set(states[i].budget_remaining);
      providers_[i].budget_limit->Set(states[i].budget_limit);
    }
  });
}

}  // namespace tokenwatch::pricing

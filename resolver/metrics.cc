#include "resolver/metrics.h"

#include "common/metrics/buckets.h"

namespace tokenwatch::resolver {

using common::AgeSecondsBuckets;
using common::CountBuckets;
using common::LatencySecondsBuckets;
using common::MetricRegistry;

CascadeMetrics::CascadeMetrics(MetricRegistry& registry, const std::vector<std::string>& sources)
    : at_work_(registry.Gauge("resolver_tokens_at_work", "Tokens in a round of attempts.")),
      capacity_(registry.Gauge("resolver_tokens_capacity", "Tokens that may be in memory.")),
      parked_(registry.Gauge("resolver_tokens_parked", "Tokens that wait for a source's budget.")),
      not_found_entries_(registry.Gauge("resolver_not_found_entries", "Entries of the negative cache.")),
      not_found_evicted_(registry.Counter("resolver_not_found_evicted_total", "Entries that a full cache forgot.")) {
  for (const std::string& name : sources) {
    const common::MetricLabels source = {{"source", name}};
    PerSource of;
    of.calls = &registry.Counter("resolver_source_calls_total", "Calls made to a source.", source);
    of.tokens = &registry.Counter("resolver_source_tokens_total", "Tokens a source was asked about.", source);
    of.call_seconds =
        &registry.Histogram("resolver_source_call_seconds", "Time a call took.", LatencySecondsBuckets(), source);
    for (const Outcome outcome : kAllOutcomes) {
      of.answers[outcome] = &registry.Counter("resolver_source_answers_total", "What sources said about tokens.",
                                              {{"source", name}, {"outcome", std::string(OutcomeName(outcome))}});
    }
    of.spared = &registry.Counter("resolver_source_spared_total", "Questions the negative cache spared.", source);
    of.passed_over =
        &registry.Counter("resolver_source_passed_over_total", "Tokens that passed a source without budget.", source);
    of.waiting = &registry.Gauge("resolver_source_waiting", "Tokens that wait for a call to a source.", source);
    of.budget_remaining = &registry.Gauge("resolver_source_budget_remaining", "Calls left in the window.", source);
    of.budget_limit = &registry.Gauge("resolver_source_budget_limit", "Calls of a window.", source);
    of.closed = &registry.Gauge("resolver_source_closed", "1 while a source has asked not to be called.", source);
    sources_.push_back(of);
  }
  for (const Verdict verdict : kAllVerdicts) {
    const common::MetricLabels labels = {{"verdict", std::string(VerdictName(verdict))}};
    rounds_[verdict] = &registry.Counter("resolver_rounds_total", "Rounds of attempts by their end.", labels);
    round_seconds_[verdict] =
        &registry.Histogram("resolver_round_seconds", "Time of a round.", AgeSecondsBuckets(), labels);
  }
}

void CascadeMetrics::OnCall(size_t source, size_t tokens) {
  sources_[source].calls->Increment();
  sources_[source].tokens->Increment(static_cast<double>(tokens));
}
void CascadeMetrics::OnCallEnded(size_t source, absl::Duration took) {
  sources_[source].call_seconds->Observe(absl::ToDoubleSeconds(took));
}
void CascadeMetrics::OnAnswer(size_t source, Outcome outcome) { sources_[source].answers.at(outcome)->Increment(); }
void CascadeMetrics::OnSpared(size_t source) { sources_[source].spared->Increment(); }
void CascadeMetrics::OnPassedOver(size_t source) { sources_[source].passed_over->Increment(); }
void CascadeMetrics::OnFinished(Verdict verdict, absl::Duration took) {
  rounds_.at(verdict)->Increment();
  round_seconds_.at(verdict)->Observe(absl::ToDoubleSeconds(took));
}

common::ScopedSampler CascadeMetrics::Sample(MetricRegistry& registry, const Cascade& cascade, common::Clock& clock,
                                             size_t capacity) {
  capacity_.Set(static_cast<double>(capacity));
  return registry.Sample([this, &cascade, &clock] {
    const Cascade::Sizes sizes = cascade.sizes();
    at_work_.Set(static_cast<double>(sizes.at_work));
    parked_.Set(static_cast<double>(sizes.parked));
    not_found_entries_.Set(static_cast<double>(sizes.negative_entries));
    common::RaiseTo(not_found_evicted_, static_cast<double>(sizes.negative_evicted));
    const absl::Time now = clock.Now();
    for (size_t i = 0; i < sources_.size(); ++i) {
      const BudgetState budget = cascade.sources()[i]->budget(now);
      sources_[i].waiting->Set(static_cast<double>(sizes.waiting[i]));
      sources_[i].budget_remaining->Set(budget.remaining);
      sources_[i].budget_limit->Set(budget.limit);
      sources_[i].closed->Set(budget.closed_until > now ? 1 : 0);
    }
  });
}

WorkMetrics::WorkMetrics(MetricRegistry& registry)
    : claimed(registry.Counter("resolver_claimed_total", "Tokens claimed from the detector.")),
      due(registry.Counter("resolver_due_total", "Tokens taken up again when their next attempt was due.")),
      full(registry.Counter("resolver_full_total", "Times there was no room to claim more tokens.")),
      launches(registry.Counter("resolver_launches_examined_total", "Tokens launched with a name and examined.")),
      impostors_at_launch(
          registry.Counter("resolver_impostors_total", "Tokens that imitate another.", {{"origin", "launch"}})),
      impostors_resolved(
          registry.Counter("resolver_impostors_total", "Tokens that imitate another.", {{"origin", "source"}})),
      named(registry.Counter("resolver_completions_total", "Tokens given back to the detector.", {{"kind", "named"}})),
      returned(
          registry.Counter("resolver_completions_total", "Tokens given back to the detector.", {{"kind", "returned"}})),
      dead_letters(registry.Counter("resolver_dead_letters_total", "Tokens that ran out of attempts.")),
      detector_failures(registry.Counter("resolver_detector_failures_total", "Calls to the detector that failed.")),
      store_failures(registry.Counter("resolver_store_failures_total", "Reads and writes of loops that failed.")),
      attempts_pruned(registry.Counter("resolver_attempts_pruned_total", "Rows of attempts deleted.")),
      waiters_refused(registry.Counter("resolver_waiters_refused_total", "Resolve calls refused: too many wait.")),
      waiters(registry.Gauge("resolver_waiters", "Resolve calls that wait for their tokens.")),
      token_cursor(registry.Gauge("resolver_token_cursor", "How far the token log has been read and saved.")),
      store_batch(registry.Histogram("resolver_store_batch_size", "Rounds stored together.", CountBuckets())) {}

}  // namespace tokenwatch::resolver

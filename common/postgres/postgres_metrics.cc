#include "common/postgres/postgres_metrics.h"

#include "common/metrics/buckets.h"

namespace tokenwatch::common {

PostgresMetrics::PostgresMetrics(MetricRegistry& registry,
                                 std::initializer_list<absl::Span<const Statement>> catalogues)
    : open_(registry.Gauge("postgres_pool_connections", "Connections of the pool.", {{"state", "open"}})),
      busy_(registry.Gauge("postgres_pool_connections", "Connections of the pool.", {{"state", "busy"}})),
      waiting_(registry.Gauge("postgres_pool_waiting", "Callers that wait for a connection.")),
      acquire_seconds_(
          registry.Histogram("postgres_acquire_seconds", "Wait for a connection.", LatencySecondsBuckets())),
      acquire_failures_(registry.Counter("postgres_acquire_failures_total", "Connections that could not be had.")),
      broken_(registry.Counter("postgres_broken_connections_total", "Connections dropped because they broke.")) {
  for (const absl::Span<const Statement> catalogue : catalogues) {
    for (const Statement& statement : catalogue) {
      const MetricLabels labels = {{"statement", statement.name}};
      statements_[statement.name] = {
          &registry.Histogram("postgres_statement_seconds", "Time of a statement.", LatencySecondsBuckets(), labels),
          &registry.Counter("postgres_statement_failures_total", "Statements that failed.", labels)};
    }
  }
}

void PostgresMetrics::OnPool(int open, int busy, int waiting) {
  open_.Set(open);
  busy_.Set(busy);
  waiting_.Set(waiting);
}

void PostgresMetrics::OnAcquire(absl::Duration waited, absl::StatusCode code) {
  acquire_seconds_.Observe(absl::ToDoubleSeconds(waited));
  if (code != absl::StatusCode::kOk) acquire_failures_.Increment();
}

void PostgresMetrics::OnBroken() { broken_.Increment(); }

void PostgresMetrics::OnStatement(absl::string_view name, absl::Duration took, absl::StatusCode code) {
  const auto found = statements_.find(name);
  if (found == statements_.end()) return;
  found->second.seconds->Observe(absl::ToDoubleSeconds(took));
  if (code != absl::StatusCode::kOk) found->second.failures->Increment();
}

}  // namespace tokenwatch::common

// The metrics of a service's connections to PostgreSQL, the same in every service.
#pragma once

#include <initializer_list>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "common/metrics/registry.h"
#include "common/postgres/observer.h"
#include "common/postgres/statement.h"

namespace tokenwatch::common {

// Serves postgres_pool_connections{state="open"|"busy"}, postgres_pool_waiting, postgres_acquire_seconds,
// postgres_acquire_failures_total, postgres_broken_connections_total, and postgres_statement_seconds and
// postgres_statement_failures_total, both with the label "statement". One observer serves all connections of a process;
// only a pool reports its sizes, so it serves one pool. Thread-safe. Outlives the connections that report to it.
class PostgresMetrics final : public PostgresObserver {
 public:
  // `catalogues`: the statements that will be run. A statement in none of them is not timed, because its name would be
  // a label that nobody has listed.
  PostgresMetrics(MetricRegistry& registry, std::initializer_list<absl::Span<const Statement>> catalogues);

  void OnPool(int open, int busy, int waiting) override;
  void OnAcquire(absl::Duration waited, absl::StatusCode code) override;
  void OnBroken() override;
  void OnStatement(absl::string_view name, absl::Duration took, absl::StatusCode code) override;

 private:
  struct PerStatement {
    prometheus::Histogram* seconds;
    prometheus::Counter* failures;
  };
  prometheus::Gauge& open_;
  prometheus::Gauge& busy_;
  prometheus::Gauge& waiting_;
  prometheus::Histogram& acquire_seconds_;
  prometheus::Counter& acquire_failures_;
  prometheus::Counter& broken_;
  // Never changes after construction, so it needs no lock.
  absl::flat_hash_map<std::string, PerStatement> statements_;
};

}  // namespace tokenwatch::common

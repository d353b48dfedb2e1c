// The store on PostgreSQL, in the schema `resolver` of the platform database.
#pragma once

#include <memory>
#include <string>

#include "common/postgres/observer.h"
#include "common/postgres/pool.h"
#include "common/time/clock.h"
#include "resolver/store.h"

namespace tokenwatch::resolver {

struct PgStoreOptions {
  std::string dsn;
  // What current_database() and the role must be; empty for any. A superuser is refused always.
  std::string expected_database = {};
  std::string expected_role = {};
  int max_connections = 8;
};

class PgStore final : public Store {
 public:
  // Applies missing migrations, verifies database, role and tables, and connects. FAILED_PRECONDITION names what is
  // wrong and what to do; UNAVAILABLE and DEADLINE_EXCEEDED while the server is not there. `observer` and `clock` must
  // outlive the store.
  static absl::StatusOr<std::unique_ptr<PgStore>> Open(const PgStoreOptions& options, absl::Time deadline,
                                                       common::PostgresObserver& observer, common::Clock& clock);

  absl::StatusOr<std::vector<Begun>> Begin(absl::Span<const BeginRequest> requests, BeginMode mode,
                                           const LeaseTerms& lease, absl::Time deadline) override;
  absl::StatusOr<std::vector<Resolution>> TakeDue(int limit, const LeaseTerms& lease, absl::Time deadline) override;
  absl::Status Finish(absl::Span<const Finished> finished, const std::string& holder, int attempts_per_token,
                      absl::Time now, absl::Time deadline) override;
  absl::Status MarkReported(absl::Span<const TokenRef> tokens, absl::Time deadline) override;
  absl::StatusOr<std::vector<Resolution>> ListUnreported(int limit, absl::Time stored_before,
                                                         absl::Time deadline) override;
  absl::Status SaveLaunches(absl::Span<const Resolution> launches, uint64_t cursor, absl::Time now,
                            absl::Time deadline) override;
  absl::StatusOr<uint64_t> LoadCursor(absl::Time deadline) override;
  absl::Status ResetCursor(absl::Time now, absl::Time deadline) override;
  absl::StatusOr<std::vector<Resolution>> Get(absl::Span<const TokenRef> tokens, absl::Time deadline) override;
  absl::StatusOr<std::vector<Attempt>> ListAttempts(const TokenRef& token, int limit, absl::Time deadline) override;
  absl::StatusOr<UnresolvedPage> ListUnresolved(std::optional<State> state,
                                                const std::optional<UnresolvedPosition>& after, int limit,
                                                absl::Time deadline) override;
  absl::StatusOr<StateCounts> CountStates(absl::Time deadline) override;
  absl::StatusOr<int64_t> Retry(const std::optional<TokenRef>& token, absl::Time now, absl::Time deadline) override;
  absl::StatusOr<std::vector<StoredBudget>> ExchangeBudgets(absl::Span<const StoredBudget> budgets, absl::Time now,
                                                            absl::Time deadline) override;
  absl::StatusOr<std::vector<StoredBudget>> LoadBudgets(absl::Time deadline) override;
  absl::StatusOr<int64_t> PruneAttempts(absl::Time before, int64_t max_rows, int limit, absl::Time deadline) override;
  absl::StatusOr<common::DatabaseReport> Diagnose(absl::Time deadline) override;

 private:
  explicit PgStore(std::unique_ptr<common::Pool> pool) : pool_(std::move(pool)) {}

  const std::unique_ptr<common::Pool> pool_;
};

}  // namespace tokenwatch::resolver

// The store on PostgreSQL, in the schema `pricing` of the platform database.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/postgres/observer.h"
#include "common/postgres/pool.h"
#include "common/time/clock.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

struct PgStoreOptions {
  std::string dsn;
  // What current_database() and the role must be; empty for any. A superuser is refused always.
  std::string expected_database = {};
  std::string expected_role = {};
  // For reads and small writes; what writes the flushes has two of its own besides.
  int max_connections = 6;
  // The most one flush may take.
  absl::Duration write_timeout = absl::Seconds(10);
  // Series from which on a flush is written by two sessions.
  size_t parted_series = 2000;
};

class PgStore final : public Store {
 public:
  // Applies missing migrations, verifies database, role and tables, and connects. FAILED_PRECONDITION names what is
  // wrong and what to do; UNAVAILABLE and DEADLINE_EXCEEDED while the server is not there. `observer` and `clock` must
  // outlive the store.
  static absl::StatusOr<std::unique_ptr<PgStore>> Open(const PgStoreOptions& options, absl::Time deadline,
                                                       common::PostgresObserver& observer, common::Clock& clock);

  absl::StatusOr<std::unique_ptr<WriteSession>> OpenWriteSession(absl::Time deadline) override;
  absl::StatusOr<Checkpoint> ReadCheckpoint(absl::Time deadline) override;
  absl::StatusOr<std::vector<Series>> LoadSeries(absl::Span<const SeriesKey> keys, absl::Time deadline) override;
  absl::StatusOr<std::vector<Series>> LoadSeriesOf(absl::Span<const chain::TokenRef> tokens,
                                                   absl::Time deadline) override;
  absl::StatusOr<std::vector<ChunkRow>> LoadChunks(absl::Span<const std::pair<SeriesKey, absl::Time>> chunks,
                                                   absl::Time deadline) override;
  absl::StatusOr<std::vector<ChunkRow>> ReadChunks(const SeriesKey& key, absl::Time from, absl::Time to, int limit,
                                                   absl::Time deadline) override;
  absl::StatusOr<std::optional<ChunkRow>> ReadChunkBefore(const SeriesKey& key, absl::Time before,
                                                          absl::Time deadline) override;
  absl::Status VisitPersisted(const std::function<void(const SeriesKey&)>& visit, absl::Time deadline) override;
  absl::Status VisitParked(const std::function<void(ParkedSeries&&)>& visit, absl::Time deadline) override;

  absl::StatusOr<bool> Watch(const chain::TokenRef& token, absl::Time now, absl::Time deadline) override;
  absl::StatusOr<bool> Unwatch(const chain::TokenRef& token, absl::Time deadline) override;
  absl::StatusOr<std::vector<chain::TokenRef>> ListWatched(absl::Time deadline) override;

  absl::Status AddReferences(absl::Span<const Reference> references, absl::Time deadline) override;
  absl::StatusOr<std::vector<Reference>> LoadReferences(absl::Time from, absl::Time deadline) override;

  absl::StatusOr<PriceRequest> AddRequest(const PriceRequest& request, absl::Time deadline) override;
  absl::StatusOr<PriceRequest> GetRequest(const std::string& request_id, absl::Time deadline) override;
  absl::StatusOr<RequestPage> ListRequests(std::optional<RequestState> state,
                                           const std::optional<std::pair<absl::Time, std::string>>& after, int limit,
                                           absl::Time deadline) override;
  absl::StatusOr<std::vector<PriceRequest>> TakeDueRequests(int limit, absl::Time now, absl::Time lease_until,
                                                            absl::Time deadline) override;
  absl::Status FinishRequests(absl::Span<const PriceRequest> requests, absl::Time deadline) override;
  absl::StatusOr<int64_t> CountWaiting(absl::Time deadline) override;
  absl::StatusOr<int64_t> PruneRequests(absl::Time before, int limit, absl::Time deadline) override;

  absl::StatusOr<DatabaseState> Diagnose(absl::Time deadline) override;

 private:
  PgStore(const PgStoreOptions& options, std::unique_ptr<common::Pool> pool, common::PostgresObserver& observer,
          common::Clock& clock)
      : options_(options), pool_(std::move(pool)), observer_(observer), clock_(clock) {}

  // One statement on a connection of the pool.
  template <typename... Args>
  absl::StatusOr<pqxx::result> Query(absl::string_view what, const common::Statement& statement, absl::Time deadline,
                                     Args&&... args);

  const PgStoreOptions options_;
  const std::unique_ptr<common::Pool> pool_;
  common::PostgresObserver& observer_;
  common::Clock& clock_;
};

}  // namespace tokenwatch::pricing

// The store on PostgreSQL, schema `detector`: see Store.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/postgres/observer.h"
#include "common/postgres/pool.h"
#include "detector/store.h"

namespace tokenwatch::detector {

inline constexpr char kSchema[] = "detector";

class PgStore final : public Store {
 public:
  struct Options {
    std::string dsn;
    // Connections for reads and claims; the writer has one of its own besides.
    int max_connections = 6;
    absl::Duration connect_timeout = absl::Seconds(5);
    // Empty: any database that has the tables will do.
    std::string expected_database;
  };

  // Connects, brings the schema up to date, and verifies database, role, tables, columns and privileges. A failed check
  // is FAILED_PRECONDITION and says what to do; a database that is not there (yet) is UNAVAILABLE. Migrations that are
  // missing may take longer than `deadline`.
  static absl::StatusOr<std::unique_ptr<PgStore>> Open(const Options& options, absl::Time deadline,
                                                       common::PostgresObserver& observer, common::Clock& clock);

  absl::StatusOr<std::unique_ptr<LogSession>> OpenLogSession(absl::Time deadline) override;
  absl::StatusOr<LogHeads> ReadHeads(absl::Time deadline) override;
  absl::StatusOr<uint64_t> ReadTrades(uint64_t after, uint64_t until, const TradeFilter& filter, int limit,
                                      const std::function<void(const TradeFields&)>& visit,
                                      absl::Time deadline) override;
  absl::Status ReadTradesAt(absl::Span<const uint64_t> cursors, const std::function<void(const TradeFields&)>& visit,
                            absl::Time deadline) override;
  absl::StatusOr<std::optional<uint64_t>> OldestTrade(absl::Time deadline) override;
  absl::StatusOr<std::vector<TokenEvent>> ReadEvents(uint64_t after, int limit, absl::Time deadline) override;
  absl::StatusOr<std::vector<Token>> GetTokens(absl::Span<const chain::TokenRef> refs, absl::Time deadline) override;
  absl::StatusOr<std::vector<Token>> ListTokens(const TokenQuery& query, absl::Time deadline) override;
  absl::StatusOr<std::vector<Token>> SearchTokens(const SearchQuery& query, absl::Time deadline) override;
  absl::StatusOr<std::vector<ClaimedToken>> ClaimPending(const std::string& claimant, int limit, absl::Time now,
                                                         absl::Duration lease, absl::Time deadline) override;
  absl::StatusOr<Consumer> SaveConsumer(const std::string& name, uint64_t cursor, absl::Time now,
                                        absl::Time deadline) override;
  absl::StatusOr<std::vector<Consumer>> ListConsumers(const std::string& after, int limit,
                                                      absl::Time deadline) override;
  absl::Status DeleteConsumer(const std::string& name, absl::Time deadline) override;
  absl::StatusOr<std::vector<QuarantinedFrame>> ListQuarantine(const std::string& feed, const std::string& reason,
                                                               uint64_t before, int limit,
                                                               absl::Time deadline) override;
  absl::StatusOr<std::vector<QuarantinedFrame>> LoadQuarantine(absl::Span<const uint64_t> ids,
                                                               const std::string& reason, int limit,
                                                               absl::Time deadline) override;
  absl::StatusOr<uint64_t> LoadPosition(const Word& reader, const std::string& source, absl::Time deadline) override;
  absl::StatusOr<Totals> ReadTotals(absl::Time deadline) override;
  absl::StatusOr<common::DatabaseReport> Diagnose(absl::Time deadline) override;
  absl::StatusOr<std::vector<std::string>> DropOldTrades(int keep_days, absl::Time now, absl::Time deadline) override;
  absl::StatusOr<int64_t> TrimQuarantine(int64_t max_quarantined, absl::Time deadline) override;

 private:
  PgStore(const Options& options, std::unique_ptr<common::Pool> pool, common::PostgresObserver& observer,
          common::Clock& clock);

  const Options options_;
  const std::unique_ptr<common::Pool> pool_;
  common::PostgresObserver& observer_;
  common::Clock& clock_;
};

}  // namespace tokenwatch::detector

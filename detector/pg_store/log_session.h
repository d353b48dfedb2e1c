// The one connection that writes the log: see LogSession.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "common/postgres/connection.h"
#include "common/postgres/observer.h"
#include "detector/pg_store/trade_rows.h"
#include "detector/store.h"

namespace tokenwatch::detector {

class PgLogSession final : public LogSession {
 public:
  struct Options {
    common::ConnectionOptions connection;
    std::string schema;
    // Whose leadership is taken. One shard today: the whole log.
    int64_t advisory_lock_key = 0;
    absl::Duration write_timeout = absl::Seconds(30);
  };

  // Null when another session holds the leadership.
  static absl::StatusOr<std::unique_ptr<PgLogSession>> Open(const Options& options, absl::Time deadline,
                                                            common::PostgresObserver& observer, common::Clock& clock);

  absl::StatusOr<LogHeads> ReadHeads() override;
  absl::Status ReadRecentTrades(uint64_t count, const std::function<void(const TradeIdentity&)>& visit) override;
  absl::StatusOr<std::vector<TradeIdentity>> FindTrades(absl::Span<const chain::TransactionId> transactions,
                                                        absl::Time earliest, absl::Time latest) override;
  absl::StatusOr<std::vector<Token>> LoadTokens(absl::Span<const chain::TokenRef> refs) override;
  absl::Status Write(const Commit& commit) override;

 private:
  PgLogSession(const Options& options, std::unique_ptr<common::Connection> connection, common::Clock& clock);

  absl::Time Deadline() const { return clock_.Now() + options_.write_timeout; }
  absl::Status LoadPartitions();
  absl::Status WriteTrades(common::Transaction& transaction, const Commit& commit,
                           std::vector<std::string>& new_partitions);
  void MakePartition(common::Transaction& transaction, const std::string& name, absl::CivilDay day);

  const Options options_;
  std::unique_ptr<common::Connection> connection_;
  common::Clock& clock_;
  LogHeads heads_;
  absl::flat_hash_set<std::string> partitions_;
  common::CopyBuffer rows_;
};

// The row that kReadHeads yields.
absl::StatusOr<LogHeads> ToHeads(const pqxx::result& rows);

// "trades_p20260703".
std::string PartitionName(absl::CivilDay day);

}  // namespace tokenwatch::detector

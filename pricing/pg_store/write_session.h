// The session that writes what was folded: see WriteSession.
#pragma once

#include <memory>

#include "common/postgres/connection.h"
#include "pricing/pg_store/row_merge.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

class PgWriteSession final : public WriteSession {
 public:
  // Null when another session holds the lock. `options` are a connection's without statements.
  static absl::StatusOr<std::unique_ptr<PgWriteSession>> Open(common::ConnectionOptions options, int64_t lock_key,
                                                              absl::Duration write_timeout, absl::Time deadline,
                                                              common::PostgresObserver& observer, common::Clock& clock);

  absl::StatusOr<Checkpoint> ReadCheckpoint() override;
  absl::Status Write(const Flush& flush) override;
  absl::Status Ping() override;

 private:
  PgWriteSession(std::unique_ptr<common::Connection> connection, absl::Duration write_timeout, common::Clock& clock)
      : connection_(std::move(connection)), write_timeout_(write_timeout), clock_(clock) {}

  absl::Time Deadline() { return clock_.Now() + write_timeout_; }
  void WriteParked(common::Transaction& transaction, const Flush& flush);

  const std::unique_ptr<common::Connection> connection_;
  const absl::Duration write_timeout_;
  common::Clock& clock_;
  RowMerge merge_;
};

}  // namespace tokenwatch::pricing

#include "pricing/pg_store/write_session.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pricing/pg_store/parked_codec.h"
#include "pricing/pg_store/statements.h"
#include "pricing/pg_store/values.h"

namespace tokenwatch::pricing {
namespace {

using common::Transaction;

constexpr size_t kParkedPartBytes = 256 * 1024;

std::optional<std::string> TimeOrNull(absl::Time time) {
  return time == absl::InfinitePast() ? std::nullopt : std::optional<std::string>(TimeText(time));
}

}  // namespace

absl::StatusOr<std::unique_ptr<PgWriteSession>> PgWriteSession::Open(common::ConnectionOptions options,
                                                                     int64_t lock_key, absl::Duration write_timeout,
                                                                     absl::Time deadline,
                                                                     common::PostgresObserver& observer,
                                                                     common::Clock& clock) {
  options.statements = WriteStatements();
  options.statement_timeout = write_timeout;
  auto connection = common::Connection::Open(options, deadline, observer, clock);
  if (!connection.ok()) return connection.status();
  const auto leads = (*connection)->TryAdvisoryLock(lock_key, deadline);
  if (!leads.ok()) return leads.status();
  if (!*leads) return nullptr;
  const auto made = (*connection)->QuerySql("make the staging tables", RowMerge::kMakeStaging, deadline);
  if (!made.ok()) return made.status();
  return std::unique_ptr<PgWriteSession>(new PgWriteSession(*std::move(connection), write_timeout, clock));
}

absl::StatusOr<Checkpoint> PgWriteSession::ReadCheckpoint() {
  const auto rows = connection_->Query("read the checkpoint", kReadCheckpoint, Deadline());
  if (!rows.ok()) return rows.status();
  if (rows->size() != 1) {
    return absl::InternalError("table pricing.checkpoints has no row \"fold\": the database was changed by hand");
  }
  return common::Guard("read the checkpoint", [&] { return ToCheckpoint((*rows)[0]); });
}

absl::Status PgWriteSession::Ping() { return connection_->Ping(Deadline()); }

absl::Status PgWriteSession::Write(const Flush& flush) {
  return connection_->Transact("write what was folded", Deadline(), [&](Transaction& transaction) -> absl::Status {
    const Checkpoint& checkpoint = flush.checkpoint;
    const auto moved = transaction.Exec(kMoveCheckpoint, checkpoint.flush, checkpoint.cursor, checkpoint.redo_cursor,
                                        TimeOrNull(checkpoint.newest_event), TimeOrNull(checkpoint.log_began));
    if (moved.affected_rows() != 1) {
      return absl::AbortedError(absl::StrCat("the checkpoint does not stand at flush ", checkpoint.flush - 1,
                                             ": another process has written"));
    }
    if (absl::Status status = merge_.WriteSeries(transaction, flush.series); !status.ok()) return status;
    if (absl::Status status = merge_.WriteChunks(transaction, flush.chunks); !status.ok()) return status;
    WriteParked(transaction, flush);
    return absl::OkStatus();
  });
}

void PgWriteSession::WriteParked(Transaction& transaction, const Flush& flush) {
  if (flush.parked_is_complete) transaction.Exec(kClearParked);
  int number = 0;
  for (const ParkedPart& part : PackParked(flush.parked, kParkedPartBytes)) {
    transaction.Exec(kPark, flush.checkpoint.flush, number++, part.series, part.trades,
                     pqxx::binarystring(part.packed));
  }
}

}  // namespace tokenwatch::pricing

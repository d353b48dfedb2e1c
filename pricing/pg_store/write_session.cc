#include "pricing/pg_store/write_session.h"

#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pricing/pg_store/parked_codec.h"
#include "pricing/pg_store/statements.h"
#include "pricing/pg_store/values.h"

namespace tokenwatch::pricing {
namespace {

using common::Transaction;

constexpr absl::string_view kWhat = "write what was folded";
constexpr size_t kParkedPartBytes = 256 * 1024;

std::optional<std::string> TimeOrNull(absl::Time time) {
  return time == absl::InfinitePast() ? std::nullopt : std::optional<std::string>(TimeText(time));
}

absl::Status HasMoved(const Checkpoint& checkpoint) {
  return absl::AbortedError(
      absl::StrCat("the checkpoint does not stand at flush ", checkpoint.flush - 1, ": another process has written"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<PgWriteSession>> PgWriteSession::Open(Options options, absl::Time deadline,
                                                                     common::PostgresObserver& observer,
                                                                     common::Clock& clock) {
  options.connection.statement_timeout = options.write_timeout;
  options.connection.statements = WriteStatements();
  auto of_leader = common::Connection::Open(options.connection, deadline, observer, clock);
  if (!of_leader.ok()) return of_leader.status();
  const auto leads = (*of_leader)->TryAdvisoryLock(options.lock_key, deadline);
  if (!leads.ok()) return leads.status();
  // Replicas that do not write ask every second: nothing is made for them.
  if (!*leads) return nullptr;
  auto leader = PartWriter::Make(*std::move(of_leader), deadline);
  if (!leader.ok()) return leader.status();
  return std::unique_ptr<PgWriteSession>(new PgWriteSession(std::move(options), *std::move(leader), observer, clock));
}

absl::Status PgWriteSession::OpenHelper(absl::Time deadline) {
  if (helper_ != nullptr) return absl::OkStatus();
  auto connection = common::Connection::Open(options_.connection, deadline, observer_, clock_);
  if (!connection.ok()) return connection.status();
  auto helper = PartWriter::Make(*std::move(connection), deadline);
  if (!helper.ok()) return helper.status();
  helper_ = *std::move(helper);
  return absl::OkStatus();
}

absl::StatusOr<Checkpoint> PgWriteSession::ReadCheckpoint() {
  const auto rows = leader_->connection().Query("read the checkpoint", kReadCheckpoint, Deadline());
  if (!rows.ok()) return rows.status();
  if (rows->size() != 1) {
    return absl::InternalError("table pricing.checkpoints has no row \"fold\": the database was changed by hand");
  }
  return common::Guard("read the checkpoint", [&] { return ToCheckpoint((*rows)[0]); });
}

absl::Status PgWriteSession::Ping() {
  if (absl::Status status = leader_->connection().Ping(Deadline()); !status.ok()) return status;
  return helper_ == nullptr ? absl::OkStatus() : helper_->connection().Ping(Deadline());
}

absl::Status PgWriteSession::Write(const Flush& flush) {
  return flush.series.size() < options_.parted_series ? WriteWhole(flush) : WriteInParts(flush);
}

absl::Status PgWriteSession::WriteWhole(const Flush& flush) {
  const std::vector<FlushPart> parts = CutFlush(flush, 1);
  return leader_->connection().Transact(kWhat, Deadline(), [&](Transaction& transaction) -> absl::Status {
    if (absl::Status status = MoveCheckpoint(transaction, flush.checkpoint); !status.ok()) return status;
    if (absl::Status status = leader_->Write(transaction, parts[0]); !status.ok()) return status;
    WriteParked(transaction, flush);
    return absl::OkStatus();
  });
}

absl::Status PgWriteSession::WriteInParts(const Flush& flush) {
  const absl::Time deadline = Deadline();
  if (absl::Status status = OpenHelper(deadline); !status.ok()) return status;
  const absl::StatusOr<int64_t> attempt = BeginParts(flush.checkpoint, deadline);
  if (!attempt.ok()) return attempt.status();
  const std::vector<FlushPart> parts = CutFlush(flush, 2);
  absl::Status of_helper;
  // Ended at the latest with this function.
  std::jthread helper([&] { of_helper = WriteOfHelper(flush.checkpoint, *attempt, parts[1], deadline); });
  return leader_->connection().Transact(kWhat, deadline, [&](Transaction& transaction) -> absl::Status {
    if (absl::Status status = leader_->Write(transaction, parts[0]); !status.ok()) return status;
    WriteParked(transaction, flush);
    helper.join();
    if (!of_helper.ok()) return of_helper;
    return MoveCheckpoint(transaction, flush.checkpoint);
  });
}

absl::StatusOr<int64_t> PgWriteSession::BeginParts(const Checkpoint& checkpoint, absl::Time deadline) {
  const auto begun =
      leader_->connection().Query("begin to write in parts", kBeginParts, deadline, checkpoint.flush, checkpoint.cursor,
                                  TimeOrNull(checkpoint.newest_event), TimeOrNull(checkpoint.log_began));
  if (!begun.ok()) return begun.status();
  if (begun->size() != 1) return HasMoved(checkpoint);
  return common::Guard(kWhat, [&] { return (*begun)[0][0].as<int64_t>(); });
}

absl::Status PgWriteSession::WriteOfHelper(const Checkpoint& checkpoint, int64_t attempt, const FlushPart& part,
                                           absl::Time deadline) {
  return helper_->connection().Transact(
      "write a part of what was folded", deadline, [&](Transaction& transaction) -> absl::Status {
        const auto held = transaction.Exec(kHoldCheckpoint, checkpoint.flush, attempt);
        if (held.size() != 1) return HasMoved(checkpoint);
        return helper_->Write(transaction, part);
      });
}

absl::Status PgWriteSession::MoveCheckpoint(Transaction& transaction, const Checkpoint& checkpoint) {
  const auto moved = transaction.Exec(kMoveCheckpoint, checkpoint.flush, checkpoint.cursor, checkpoint.redo_cursor,
                                      TimeOrNull(checkpoint.newest_event), TimeOrNull(checkpoint.log_began));
  return moved.affected_rows() == 1 ? absl::OkStatus() : HasMoved(checkpoint);
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

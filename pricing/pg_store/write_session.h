// The session that writes what was folded: see WriteSession.
//
// A flush of many rows is written by two sessions, because what it costs is the time of one server process. First the
// checkpoint's cursor is moved to where the flush will take it, its number and the redo cursor staying; that is what a
// flush without rows does. Then each writes its part, series together with their candles, and commits; last of all,
// when the other has committed, the session that holds the lock, with the trades that are parked and the checkpoint.
// Before that a restart finds rows ahead of the redo cursor, as it does after every flush, and none ahead of the
// cursor.
//
// The other session must not write for one whose lock is lost: it keeps the checkpoint's row from changing while it
// writes, if it still says who began this flush. So what comes after it waits for it, or it is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "pricing/pg_store/part_writer.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

class PgWriteSession final : public WriteSession {
 public:
  struct Options {
    // Without statements.
    common::ConnectionOptions connection;
    int64_t lock_key = 0;
    absl::Duration write_timeout;
    // Series from which on a flush is written in parts.
    size_t parted_series = 0;
  };

  // Null when another session holds the lock.
  static absl::StatusOr<std::unique_ptr<PgWriteSession>> Open(Options options, absl::Time deadline,
                                                              common::PostgresObserver& observer, common::Clock& clock);

  absl::StatusOr<Checkpoint> ReadCheckpoint() override;
  absl::Status Write(const Flush& flush) override;
  absl::Status Ping() override;

 private:
  PgWriteSession(Options options, std::unique_ptr<PartWriter> leader, common::PostgresObserver& observer,
                 common::Clock& clock)
      : options_(std::move(options)), observer_(observer), clock_(clock), leader_(std::move(leader)) {}

  absl::Time Deadline() { return clock_.Now() + options_.write_timeout; }
  absl::Status WriteWhole(const Flush& flush);
  absl::Status WriteInParts(const Flush& flush);
  absl::Status OpenHelper(absl::Time deadline);
  // What names this try of the flush.
  absl::StatusOr<int64_t> BeginParts(const Checkpoint& checkpoint, absl::Time deadline);
  absl::Status WriteOfHelper(const Checkpoint& checkpoint, int64_t attempt, const FlushPart& part, absl::Time deadline);
  absl::Status MoveCheckpoint(common::Transaction& transaction, const Checkpoint& checkpoint);
  void WriteParked(common::Transaction& transaction, const Flush& flush);

  const Options options_;
  common::PostgresObserver& observer_;
  common::Clock& clock_;
  // It holds the lock.
  const std::unique_ptr<PartWriter> leader_;
  // Null before the first flush in parts: many services never have one.
  std::unique_ptr<PartWriter> helper_;
};

}  // namespace tokenwatch::pricing

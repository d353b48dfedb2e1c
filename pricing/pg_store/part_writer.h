// A session that writes rows of a flush.
#pragma once

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/postgres/connection.h"
#include "pricing/pg_store/chunk_merge.h"
#include "pricing/pg_store/flush_parts.h"
#include "pricing/pg_store/series_merge.h"

namespace tokenwatch::pricing {

// Not thread-safe.
class PartWriter {
 public:
  // Prepares the session, which has WriteStatements.
  static absl::StatusOr<std::unique_ptr<PartWriter>> Make(std::unique_ptr<common::Connection> connection,
                                                          absl::Time deadline);

  // May throw what pqxx throws.
  absl::Status Write(common::Transaction& transaction, const FlushPart& part);

  common::Connection& connection() { return *connection_; }

 private:
  PartWriter(std::unique_ptr<common::Connection> connection, std::unique_ptr<SeriesMerge> series)
      : connection_(std::move(connection)), series_(std::move(series)) {}

  const std::unique_ptr<common::Connection> connection_;
  const std::unique_ptr<SeriesMerge> series_;
  ChunkMerge chunks_;
};

}  // namespace tokenwatch::pricing

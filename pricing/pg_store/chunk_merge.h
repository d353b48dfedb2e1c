// Merges rows into candles: they go by COPY into a temporary table and from there into theirs by one statement.
#pragma once

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "common/postgres/connection.h"
#include "common/postgres/copy_binary.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

// Not thread-safe; reuse one, for its memory stays.
class ChunkMerge {
 public:
  // Run once in each session, before the first write.
  static const char kMakeStaging[];

  // No two of the same key. May throw what pqxx throws.
  absl::Status Write(common::Transaction& transaction, absl::Span<const ChunkRow* const> chunks);

 private:
  common::CopyBuffer rows_;
};

}  // namespace tokenwatch::pricing

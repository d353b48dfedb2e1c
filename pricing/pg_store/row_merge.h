// Merges rows into token_prices and candles.
//
// They go by COPY into temporary tables and from there into their tables by one statement each. Series that have a row
// are updated in place; the few others, and those whose row says something else than usual, take a slower statement
// that is right in every case: of two rows the one that has seen more of the log holds, and a high is never lowered,
// whatever the order.
#pragma once

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "common/postgres/connection.h"
#include "common/postgres/copy_binary.h"
#include "pricing/pg_store/series_rows.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

// Not thread-safe; reuse one, for its memory stays.
class RowMerge {
 public:
  // Run once in each session, before the first write.
  static const char kMakeStaging[];

  // No two of the same key. Both may throw what pqxx throws.
  absl::Status WriteSeries(common::Transaction& transaction, absl::Span<const Series> series);
  absl::Status WriteChunks(common::Transaction& transaction, absl::Span<const ChunkRow> chunks);

 private:
  common::CopyBuffer rows_;
  SeriesRows series_rows_;
};

}  // namespace tokenwatch::pricing

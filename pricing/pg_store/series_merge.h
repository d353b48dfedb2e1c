// Merges rows into token_prices.
//
// They go in pieces, each an array that one statement reads: while the server is at work on one, the next is made.
// There are three ways. A row of which only the live columns change, as is so with nearly all, goes without the steady
// ones; the statement takes it when the digest of those is the same in the table. Other series that have a row are
// updated as a whole. The few that are left, new ones and those whose row says something else than usual, take a slower
// statement that is right in every case: of two rows the one that has seen more of the log holds, and a high is never
// lowered, whatever the order.
//
// What was written before tells the way that is tried first, and only that: a statement leaves out the rows that are
// not for it, and the rows of its piece go on to the next way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/postgres/connection.h"
#include "common/postgres/record_array.h"
#include "pricing/pg_store/series_rows.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

// Not thread-safe; reuse one, for what it knows and its memory stay.
class SeriesMerge {
 public:
  // Prepares the session, which is the only one that it writes with.
  static absl::StatusOr<std::unique_ptr<SeriesMerge>> Open(common::Connection& connection, absl::Time deadline);

  // No two of the same key; best in the order of FlushPart.
  absl::Status Write(common::Transaction& transaction, absl::Span<const Series* const> series);

 private:
  enum Way : size_t { kLive, kWhole, kMerge, kWays };
  // Places in what is written.
  using Rows = std::vector<uint32_t>;
  using RowsByWay = std::array<Rows, kWays>;

  SeriesMerge(common::RecordArray live, common::RecordArray whole);

  // Sends rows in the given way, or each in its own. Those of pieces that the server did not take all of, by the way to
  // go next.
  absl::StatusOr<RowsByWay> Send(common::Transaction& transaction, absl::Span<const Series* const> series,
                                 const Rows& rows, std::optional<Way> way);
  // Whether the row was last written with these steady columns, as far as is known; from now on it was.
  bool WasWrittenAlike(const SeriesKey& key);

  common::RecordArray live_;
  common::RecordArray whole_;
  SeriesRow row_;
  // By the hash of the series, of which several may share a place: what the last of them had for digest.
  std::vector<uint32_t> written_;
};

}  // namespace tokenwatch::pricing

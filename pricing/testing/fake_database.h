// The tables of pricing and the detector's log in memory, for tests of the fold.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "pricing/fold/fold.h"
#include "pricing/store.h"

namespace tokenwatch::pricing::testing {

// Not thread-safe.
class FakeDatabase : public FoldHistory {
 public:
  // `log` is in order of cursors and must outlive the database.
  explicit FakeDatabase(const std::vector<Trade>& log) : log_(log) {}

  absl::StatusOr<std::vector<Series>> LoadSeries(absl::Span<const SeriesKey> keys) override;
  absl::StatusOr<std::vector<ChunkRow>> LoadChunks(absl::Span<const std::pair<SeriesKey, absl::Time>> chunks) override;
  absl::StatusOr<std::vector<Trade>> GetTrades(absl::Span<const uint64_t> cursors) override;
  // By the first trade in the whole log, also where that is pruned.
  absl::StatusOr<std::vector<chain::TokenRef>> SeenSince(absl::Span<const chain::TokenRef> tokens,
                                                         absl::Time since) override;

  // As WriteSession::Write: all of it, or ABORTED when the checkpoint stands elsewhere. INTERNAL for what no fold may
  // ask for: rows that are older than those there are.
  absl::Status Write(const Flush& flush);
  // What there is of a flush written in parts when all but its last transaction have happened (see PgWriteSession): the
  // checkpoint's cursor, and some of the series, each with its candles.
  absl::Status WritePart(const Flush& flush, const std::function<bool(const SeriesKey&)>& is_written);
  // Tells a fold that has just begun what there is.
  void Restore(Fold& fold) const;

  // Parked trades of series that have no row.
  absl::flat_hash_map<Fingerprint, std::set<uint64_t>> Parked() const;

  // Until it is cleared, every look fails with it.
  absl::Status outage;
  // Trades at or below it are no longer in the log.
  uint64_t pruned_to = 0;
  // Rows looked up.
  uint64_t looks = 0;

  Checkpoint checkpoint;
  absl::flat_hash_map<SeriesKey, Series> rows;
  absl::flat_hash_map<std::pair<SeriesKey, absl::Time>, std::string> chunks;
  std::vector<ParkedSeries> parked;

 private:
  absl::Status CheckOrder(const Flush& flush) const;
  void WriteRows(const Flush& flush, const std::function<bool(const SeriesKey&)>& is_written);

  const std::vector<Trade>& log_;
};

}  // namespace tokenwatch::pricing::testing

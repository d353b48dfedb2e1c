// The series in memory, in shards: one thread folds trades in, any number read. Readers hold a shard's lock for as long
// as their visitor runs: it must be quick and must not call back.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "common/sync/mutex.h"
#include "pricing/candles/candle_chunk.h"
#include "pricing/fold/series.h"

namespace tokenwatch::pricing {

// A series with what the fold needs besides. Defined in hot_entry.h; readers see `series` and `chunks`.
struct HotEntry;

class HotSet {
 public:
  explicit HotSet(size_t shards = 16);
  ~HotSet();

  // Visits the series of a token whose last price is the newest, or the one against `quote` when that is not empty.
  // False when there is none. A series may be there without any price.
  bool Read(const chain::TokenRef& token, const chain::Address& quote,
            absl::FunctionRef<void(const Series&)> visit) const;
  // Read for many: visit(index, series) for those that are there, in no order; each shard is locked once.
  void ReadMany(absl::Span<const chain::TokenRef> tokens,
                absl::FunctionRef<void(size_t index, const Series& series)> visit) const;
  // All series of one token.
  void ReadAll(const chain::TokenRef& token, absl::FunctionRef<void(const Series&)> visit) const;
  // The chunks in memory of a series that start in [from, to], oldest first. Each is complete: it replaces the chunk of
  // the same start in the database.
  void ReadChunks(const SeriesKey& key, absl::Time from, absl::Time to,
                  absl::FunctionRef<void(const CandleChunk&)> visit) const;
  // Every series, shard by shard.
  void ForEach(absl::FunctionRef<void(const Series&)> visit) const;
  size_t size() const;

  // For the fold.
  class Writer;

 private:
  friend class Writer;
  struct Shard;
  size_t ShardOf(const chain::TokenRef& token) const;

  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace tokenwatch::pricing

// Folds the detector's log into the hot set, and says what of it is to be written.
//
// What is written when. A series is worth rows ("kept") once it has persist_trades trades, persist_usd of volume at
// pinned references, or a watcher; before that its trades are parked: only their cursors are written, and the log keeps
// the trades. A kept series that changed is dirty since its first unwritten trade; dirty series are written oldest
// first, when they have been dirty for row_interval, when a chunk of candles is complete, when they are evicted, or
// when more than max_dirty are. So the redo cursor, from where a restart folds again, is just before the oldest
// unwritten trade; a trade that a row has in it already is recognised by the row's cursor. Rows are whole values:
// writing twice is harmless.
//
// Thread-safe. Apply is called by one thread; CollectFlush and the ends of flushes by one other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "pricing/detector.h"
#include "pricing/fold/hot_set.h"
#include "pricing/reference.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

struct FoldOptions {
  uint64_t persist_trades = 10;
  double persist_usd = 100;
  // Longest time, of the log's event time, that a change waits for its row.
  absl::Duration row_interval = absl::Hours(2);
  // A series without trades for so long (of the log's event time) leaves memory once it is written or parked.
  absl::Duration idle = absl::Hours(2);
  // Series in memory; beyond it the idlest leave earlier.
  size_t max_hot = 100'000;
  // Dirty series at which the oldest are written without waiting.
  size_t max_dirty = 50'000;
  // References older than this do not price.
  absl::Duration reference_max_age = absl::Minutes(30);
};

// What the fold takes from elsewhere when a trade's series is not in memory. Called without locks; may block.
class FoldHistory {
 public:
  virtual ~FoldHistory() = default;
  // Those of the keys that have rows.
  virtual absl::StatusOr<std::vector<Series>> LoadSeries(absl::Span<const SeriesKey> keys) = 0;
  virtual absl::StatusOr<std::vector<ChunkRow>> LoadChunks(
      absl::Span<const std::pair<SeriesKey, absl::Time>> chunks) = 0;
  // The trades at these cursors (growing) that the log still has.
  virtual absl::StatusOr<std::vector<Trade>> GetTrades(absl::Span<const uint64_t> cursors) = 0;
};

// Told after each batch, on the fold's thread, without locks.
class FoldListener {
 public:
  virtual ~FoldListener() = default;
  // Tokens whose price changed, each once.
  virtual void OnPrices(absl::Span<const chain::TokenRef> tokens) = 0;
};

struct FoldCounts {
  uint64_t trades = 0;
  // Trades at or below the cursor of their series: in already.
  uint64_t repeats = 0;
  // Trades that are no price (zeroed reserves); they count in volume.
  uint64_t unpriced = 0;
  uint64_t late_candles = 0;
  uint64_t loads = 0;
  uint64_t revived = 0;
  uint64_t evicted = 0;
  uint64_t venues_left_out = 0;
  size_t hot = 0;
  size_t dirty = 0;
  size_t parked = 0;
  size_t kept = 0;
};

class Fold {
 public:
  Fold(const FoldOptions& options, HotSet& hot, const ReferenceBook& references, FoldHistory& history,
       FoldListener& listener);
  ~Fold();

  // Before the first Apply: where the log was left, what is parked, what has rows.
  void Begin(const Checkpoint& checkpoint);
  void AddParked(ParkedSeries&& parked);
  void AddKept(const SeriesKey& key);
  // A watched token is kept from its next trade on, or at once if it is in memory.
  void SetWatched(const chain::TokenRef& token, bool watched);

  // Folds a batch in: all of it or, with the error of the history, nothing; then it may be applied again.
  absl::Status Apply(const TradeBatch& batch);

  // What is to be written now, at most max_rows rows (the rest comes with the next); with `everything` all that is
  // dirty or not yet parked. The checkpoint's flush is last_flush + 1. One flush at a time: its end must be told.
  Flush CollectFlush(uint64_t last_flush, size_t max_rows, bool everything);
  void FlushWritten(const Flush& flush);
  // It may have happened or not: its rows are dirty again.
  void FlushFailed(const Flush& flush);
  // For a replica that does not write: what the writer's checkpoint covers need not be written here any more.
  void Covered(const Checkpoint& checkpoint);

  // Whether CollectFlush has rows that should not wait for the next interval.
  bool wants_flush() const;
  Checkpoint position() const;
  FoldCounts counts() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokenwatch::pricing

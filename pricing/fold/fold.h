// Folds the detector's log into the hot set, and says what of it is to be written.
//
// What is written when. A series is worth rows ("kept") once it has persist_trades trades, persist_usd of volume at
// pinned references, or a watcher; before that its trades are parked: only their cursors are written, and the log keeps
// the trades. A series that changed is dirty since its first unwritten trade; dirty series are written oldest first:
// when a chunk of candles is complete, when they have been dirty for row_interval, when they are to leave memory, or
// when more than max_dirty are. With a chunk that is complete the row is written, but not the next chunk that has just
// been begun: the series stays dirty since the first trade of that. So the redo cursor, from where a restart folds
// again, is just before the oldest unwritten trade; a trade that a row has in it already is recognised by the row's
// cursor, and one that candles have by their cursor. Rows are whole values: writing twice is harmless.
//
// A log of which retention had dropped the beginning before it was first folded: its first trade is not the first of
// all. From then on a series is marked as partial, unless its token was seen first after that.
//
// Memory is bounded by max_hot and max_bytes: what leaves is written first, and while it cannot be written Apply takes
// no more. Besides, each series ever seen costs under 40 bytes (see parking_lot.h).
//
// Thread-safe. Apply is called by one thread; CollectFlush, the ends of flushes and Covered by one other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "pricing/detector.h"
#include "pricing/fold/hot_set.h"
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
  // The same for what series and their candles take, about.
  size_t max_bytes = size_t{128} << 20;
  // Dirty series at which the oldest are written without waiting.
  size_t max_dirty = 50'000;
  // Cursors parked in the database for series that are kept by now, at which everything parked is written anew.
  size_t max_dead_parked = 1'000'000;
};

// What one whole unit of a quote asset was worth in USD at an event time; nullopt when that is not known. Of the same
// arguments always the same, or the volume at which a series is kept is not that of an undisturbed run. Any thread,
// must not block.
using UsdOfQuote = std::function<std::optional<double>(const chain::TokenRef& asset, absl::Time at)>;

// What the fold takes from elsewhere when a trade's series is not in memory. Called without locks; may block.
class FoldHistory {
 public:
  static constexpr size_t kMaxCursors = 5000;
  static constexpr size_t kMaxTokens = 500;

  virtual ~FoldHistory() = default;
  // Those of the keys that have rows.
  virtual absl::StatusOr<std::vector<Series>> LoadSeries(absl::Span<const SeriesKey> keys) = 0;
  virtual absl::StatusOr<std::vector<ChunkRow>> LoadChunks(
      absl::Span<const std::pair<SeriesKey, absl::Time>> chunks) = 0;
  // The trades at these cursors (growing, at most kMaxCursors) that the log still has, in order.
  virtual absl::StatusOr<std::vector<Trade>> GetTrades(absl::Span<const uint64_t> cursors) = 0;
  // Of those of the tokens (at most kMaxTokens) none of whose trades was before `since`, as far as is known.
  virtual absl::StatusOr<std::vector<chain::TokenRef>> SeenSince(absl::Span<const chain::TokenRef> tokens,
                                                                 absl::Time since) = 0;
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
  // Trades of another minute than the newest of their series.
  uint64_t late_candles = 0;
  // Minutes of a series that got their first trade.
  uint64_t candles = 0;
  // Series and chunks read from the database.
  uint64_t loads = 0;
  // Series made again from the log.
  uint64_t revived = 0;
  uint64_t evicted = 0;
  uint64_t venues_left_out = 0;
  // Batches that had to wait because memory was full of what is not written yet.
  uint64_t refused = 0;
  // As of now: series in memory, and what they take; series with changes that are not written, those in a flush in
  // flight not counted; series parked, not counting those in memory; series that have or will have rows.
  size_t hot = 0;
  size_t hot_bytes = 0;
  size_t dirty = 0;
  size_t parked = 0;
  size_t kept = 0;
};

class Fold {
 public:
  // Empties the hot set, which is this fold's alone from now on. All of them must outlive it.
  Fold(const FoldOptions& options, HotSet& hot, UsdOfQuote usd_of_quote, FoldHistory& history, FoldListener& listener);
  ~Fold();

  // Before the first Apply: where the log was left, what is parked, what has rows. The checkpoint is to be read before
  // the others, which may be newer. A series that is parked and has rows is kept.
  void Begin(const Checkpoint& checkpoint);
  void AddParked(ParkedSeries&& parked);
  void AddKept(const SeriesKey& key);
  // A watched token is kept from its next trade on, or at once if it is in memory. Any thread.
  void SetWatched(const chain::TokenRef& token, bool watched);

  // Folds a batch in: all of it or, with an error, nothing; then it may be applied again. RESOURCE_EXHAUSTED: memory is
  // full of what is not written, apply it again after a flush. FAILED_PRECONDITION: the batch has trades that this
  // build cannot read. DATA_LOSS: what the database has cannot be what was written; begin anew. Others are the
  // history's.
  absl::Status Apply(const TradeBatch& batch);

  // Until the fold has come to the cursor of the last checkpoint that it was told of (by Begin or Covered), flushes
  // hold no rows and leave the checkpoint where it is. Then: What is to be written now, at most max_rows rows, or those
  // of one series (the rest comes with the next); with `everything` all that is dirty or not yet parked. The
  // checkpoint's flush is last_flush + 1. One flush at a time: its end must be told.
  Flush CollectFlush(uint64_t last_flush, size_t max_rows, bool everything);
  void FlushWritten(const Flush& flush);
  // It may have happened or not: its rows are dirty again.
  void FlushFailed(const Flush& flush);
  // For a replica that does not write: what the writer's checkpoint covers need not be written here any more. One that
  // begins to write must be told the checkpoint that it found. Not while a flush is in flight.
  void Covered(const Checkpoint& checkpoint);

  // Whether CollectFlush has rows that should not wait for the next interval: too many series are dirty, or memory is
  // full and those that are to leave it are not written. Never blocks.
  bool wants_flush() const;
  // The checkpoint that a flush of nothing would write now, with the number of the last flush that was written.
  Checkpoint position() const;
  FoldCounts counts() const;
  // Where in the log the trades of a series are that is parked and not in memory, growing; empty for any other. May
  // wait for a batch.
  std::vector<uint64_t> ParkedCursors(const SeriesKey& key) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokenwatch::pricing

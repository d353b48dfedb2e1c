// What pricing keeps, in domain types.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "chain/address.h"
#include "pricing/fold/fingerprint.h"
#include "pricing/fold/series.h"
#include "pricing/oracle/observation.h"
#include "pricing/price_request.h"
#include "pricing/reference.h"

namespace tokenwatch::pricing {

// Where the fold stands in the detector's log.
struct Checkpoint {
  // Grows with each flush; tells after an unknown outcome whether it happened.
  uint64_t flush = 0;
  // Folded up to here.
  uint64_t cursor = 0;
  // A restart folds again from here: every change by a trade at or below it is in a row, or parked.
  uint64_t redo_cursor = 0;
  // Event time of the newest trade folded.
  absl::Time newest_event = absl::InfinitePast();
  // Event time of the first trade that there was to fold, where the log no longer had those before it; a series that is
  // older may lack trades (see Series::is_partial). InfinitePast when the log was there from its beginning.
  absl::Time log_began = absl::InfinitePast();

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// One row of candles: the packed minutes of a chunk (see candles/candle_chunk.h).
struct ChunkRow {
  SeriesKey key;
  absl::Time start;
  std::string packed;
  // Candles in it, for people who look at the table.
  int minutes = 0;
};

// The trades of a series that is not worth rows yet: where in the log they are.
struct ParkedSeries {
  Fingerprint series;
  std::vector<uint64_t> cursors;
};

// Everything that is written together. Rows are whole values: writing one again changes nothing.
struct Flush {
  Checkpoint checkpoint;
  std::vector<Series> series;
  std::vector<ChunkRow> chunks;
  // Added to what is parked. Series in `series` are no longer parked.
  std::vector<ParkedSeries> parked;
  // Replaces everything parked by `parked` instead of adding to it.
  bool parked_is_complete = false;

  size_t rows() const { return series.size() + chunks.size(); }
};

// What writes, alone: it holds the service's advisory lock for as long as it lives. One thread at a time; after any
// error it is to be destroyed and a new one opened.
class WriteSession {
 public:
  virtual ~WriteSession() = default;

  virtual absl::StatusOr<Checkpoint> ReadCheckpoint() = 0;
  // Moves the checkpoint only from flush - 1 to flush, when all of it is there. A large flush that fails may leave some
  // of its series, each with all its candles, and then the checkpoint's cursor where the flush would have: never a row
  // ahead of that, nor the redo cursor moved. UNKNOWN when the outcome is not known, ABORTED when the checkpoint stands
  // elsewhere.
  virtual absl::Status Write(const Flush& flush) = 0;
  // Asks the server for nothing: notices a lost session.
  virtual absl::Status Ping() = 0;
};

struct TableState {
  std::string name;
  bool present = false;
  std::string problem;
  int64_t rows = 0;
  bool rows_estimated = false;
};
struct DatabaseState {
  std::string database;
  std::string role;
  std::vector<TableState> tables;
};

struct RequestPage {
  std::vector<PriceRequest> requests;
  // Position to continue after (created_at, request_id); nullopt at the end.
  std::optional<std::pair<absl::Time, std::string>> next;
};

// Thread-safe; calls block until `deadline` at most. Errors are of the database: UNAVAILABLE, DEADLINE_EXCEEDED,
// RESOURCE_EXHAUSTED and ABORTED may pass by themselves; UNKNOWN means that a write may have happened; every write may
// be repeated without harm.
class Store {
 public:
  virtual ~Store() = default;

  // Null when another process has the lock.
  virtual absl::StatusOr<std::unique_ptr<WriteSession>> OpenWriteSession(absl::Time deadline) = 0;

  virtual absl::StatusOr<Checkpoint> ReadCheckpoint(absl::Time deadline) = 0;
  // Those that have rows, in no order, as they were written.
  virtual absl::StatusOr<std::vector<Series>> LoadSeries(absl::Span<const SeriesKey> keys, absl::Time deadline) = 0;
  // All series of the tokens.
  virtual absl::StatusOr<std::vector<Series>> LoadSeriesOf(absl::Span<const chain::TokenRef> tokens,
                                                           absl::Time deadline) = 0;
  // The given chunks that have rows, in no order.
  virtual absl::StatusOr<std::vector<ChunkRow>> LoadChunks(absl::Span<const std::pair<SeriesKey, absl::Time>> chunks,
                                                           absl::Time deadline) = 0;
  // Chunks of a series that start in [from, to], oldest first, at most `limit`.
  virtual absl::StatusOr<std::vector<ChunkRow>> ReadChunks(const SeriesKey& key, absl::Time from, absl::Time to,
                                                           int limit, absl::Time deadline) = 0;
  // The newest chunk that starts before `before`.
  virtual absl::StatusOr<std::optional<ChunkRow>> ReadChunkBefore(const SeriesKey& key, absl::Time before,
                                                                  absl::Time deadline) = 0;
  // Visits the keys of all series that have rows.
  virtual absl::Status VisitPersisted(const std::function<void(const SeriesKey&)>& visit, absl::Time deadline) = 0;
  // Visits everything parked, oldest first; one series may come several times.
  virtual absl::Status VisitParked(const std::function<void(ParkedSeries&&)>& visit, absl::Time deadline) = 0;

  // Whether that changed anything.
  virtual absl::StatusOr<bool> Watch(const chain::TokenRef& token, absl::Time now, absl::Time deadline) = 0;
  virtual absl::StatusOr<bool> Unwatch(const chain::TokenRef& token, absl::Time deadline) = 0;
  virtual absl::StatusOr<std::vector<chain::TokenRef>> ListWatched(absl::Time deadline) = 0;

  // Repeating one (same asset, time and source) changes nothing.
  virtual absl::Status AddReferences(absl::Span<const Reference> references, absl::Time deadline) = 0;
  // With event times from `from`, in order of asset and time.
  virtual absl::StatusOr<std::vector<Reference>> LoadReferences(absl::Time from, absl::Time deadline) = 0;

  // Stores a new request, or returns the one of that id as it stands. ALREADY_EXISTS when that is for another token.
  virtual absl::StatusOr<PriceRequest> AddRequest(const PriceRequest& request, absl::Time deadline) = 0;
  // NOT_FOUND.
  virtual absl::StatusOr<PriceRequest> GetRequest(const std::string& request_id, absl::Time deadline) = 0;
  // Newest first.
  virtual absl::StatusOr<RequestPage> ListRequests(std::optional<RequestState> state,
                                                   const std::optional<std::pair<absl::Time, std::string>>& after,
                                                   int limit, absl::Time deadline) = 0;
  // Leases up to `limit` waiting requests that are due until `lease_until`, oldest first; other replicas do not get
  // them.
  virtual absl::StatusOr<std::vector<PriceRequest>> TakeDueRequests(int limit, absl::Time now, absl::Time lease_until,
                                                                    absl::Time deadline) = 0;
  // Stores outcomes; a request that is not waiting any more stays as it is.
  virtual absl::Status FinishRequests(absl::Span<const PriceRequest> requests, absl::Time deadline) = 0;
  virtual absl::StatusOr<int64_t> CountWaiting(absl::Time deadline) = 0;
  // Deletes up to `limit` ended requests created before `before`. How many.
  virtual absl::StatusOr<int64_t> PruneRequests(absl::Time before, int limit, absl::Time deadline) = 0;

  virtual absl::StatusOr<DatabaseState> Diagnose(absl::Time deadline) = 0;
};

}  // namespace tokenwatch::pricing

// A Store in memory, with what was flushed to it as rows.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/sync/mutex.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

// Thread-safe. Outlives its sessions.
class FakeStore final : public Store {
 public:
  // What every call answers when it is not OK.
  void Fail(const absl::Status& status) TW_EXCLUDES(mutex_);
  // As a WriteSession would.
  void Apply(const Flush& flush) TW_EXCLUDES(mutex_);
  // Ends a stored request.
  void Finish(const PriceRequest& request) TW_EXCLUDES(mutex_);
  // Another process has the lock, or has no more.
  void HoldLock(bool held) TW_EXCLUDES(mutex_);
  // The next write that is not scripted yet ends with `status`, and happens all the same or not.
  void FailWrite(const absl::Status& status, bool happens) TW_EXCLUDES(mutex_);
  // The session there is answers with UNAVAILABLE from now on.
  void LoseSession() TW_EXCLUDES(mutex_);
  // Writes tried, and sessions given.
  int writes() const TW_EXCLUDES(mutex_);
  int sessions() const TW_EXCLUDES(mutex_);
  Checkpoint checkpoint() const TW_EXCLUDES(mutex_);
  size_t series_rows() const TW_EXCLUDES(mutex_);
  size_t chunk_rows() const TW_EXCLUDES(mutex_);
  // Calls that read or wrote requests.
  int request_reads() const TW_EXCLUDES(mutex_);

  absl::StatusOr<std::unique_ptr<WriteSession>> OpenWriteSession(absl::Time deadline) override;
  absl::StatusOr<Checkpoint> ReadCheckpoint(absl::Time deadline) override;
  absl::StatusOr<std::vector<Series>> LoadSeries(absl::Span<const SeriesKey> keys, absl::Time deadline) override;
  absl::StatusOr<std::vector<Series>> LoadSeriesOf(absl::Span<const chain::TokenRef> tokens,
                                                   absl::Time deadline) override;
  absl::StatusOr<std::vector<ChunkRow>> LoadChunks(absl::Span<const std::pair<SeriesKey, absl::Time>> chunks,
                                                   absl::Time deadline) override;
  absl::StatusOr<std::vector<ChunkRow>> ReadChunks(const SeriesKey& key, absl::Time from, absl::Time to, int limit,
                                                   absl::Time deadline) override;
  absl::StatusOr<std::optional<ChunkRow>> ReadChunkBefore(const SeriesKey& key, absl::Time before,
                                                          absl::Time deadline) override;
  absl::Status VisitPersisted(const std::function<void(const SeriesKey&)>& visit, absl::Time deadline) override;
  absl::Status VisitParked(const std::function<void(ParkedSeries&&)>& visit, absl::Time deadline) override;
  absl::StatusOr<bool> Watch(const chain::TokenRef& token, absl::Time now, absl::Time deadline) override;
  absl::StatusOr<bool> Unwatch(const chain::TokenRef& token, absl::Time deadline) override;
  absl::StatusOr<std::vector<chain::TokenRef>> ListWatched(absl::Time deadline) override;
  absl::Status AddReferences(absl::Span<const Reference> references, absl::Time deadline) override;
  absl::StatusOr<std::vector<Reference>> LoadReferences(absl::Time from, absl::Time deadline) override;
  absl::StatusOr<PriceRequest> AddRequest(const PriceRequest& request, absl::Time deadline) override;
  absl::StatusOr<PriceRequest> GetRequest(const std::string& request_id, absl::Time deadline) override;
  absl::StatusOr<RequestPage> ListRequests(std::optional<RequestState> state,
                                           const std::optional<std::pair<absl::Time, std::string>>& after, int limit,
                                           absl::Time deadline) override;
  absl::StatusOr<std::vector<PriceRequest>> TakeDueRequests(int limit, absl::Time now, absl::Time lease_until,
                                                            absl::Time deadline) override;
  absl::Status FinishRequests(absl::Span<const PriceRequest> requests, absl::Time deadline) override;
  absl::StatusOr<int64_t> CountWaiting(absl::Time deadline) override;
  absl::StatusOr<int64_t> PruneRequests(absl::Time before, int limit, absl::Time deadline) override;
  absl::StatusOr<DatabaseState> Diagnose(absl::Time deadline) override;

 private:
  using ChunkKey = std::pair<std::string, absl::Time>;
  class Session;

  void ApplyLocked(const Flush& flush) TW_REQUIRES(mutex_);

  mutable common::Mutex mutex_;
  absl::Status failure_ TW_GUARDED_BY(mutex_);
  Checkpoint checkpoint_ TW_GUARDED_BY(mutex_);
  // By the text of their key, so that the order is one.
  std::map<std::string, Series> series_ TW_GUARDED_BY(mutex_);
  std::map<ChunkKey, ChunkRow> chunks_ TW_GUARDED_BY(mutex_);
  std::map<Fingerprint, std::set<uint64_t>> parked_ TW_GUARDED_BY(mutex_);
  std::set<chain::TokenRef> watched_ TW_GUARDED_BY(mutex_);
  std::vector<Reference> references_ TW_GUARDED_BY(mutex_);
  std::map<std::string, PriceRequest> requests_ TW_GUARDED_BY(mutex_);
  std::map<std::string, absl::Time> leases_ TW_GUARDED_BY(mutex_);
  int request_reads_ TW_GUARDED_BY(mutex_) = 0;
  bool lock_held_ TW_GUARDED_BY(mutex_) = false;
  std::deque<std::pair<absl::Status, bool>> write_failures_ TW_GUARDED_BY(mutex_);
  int writes_ TW_GUARDED_BY(mutex_) = 0;
  int sessions_ TW_GUARDED_BY(mutex_) = 0;
  // Of the session that lives.
  bool session_lost_ TW_GUARDED_BY(mutex_) = false;
};

}  // namespace tokenwatch::pricing

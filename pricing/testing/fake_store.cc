#include "pricing/testing/fake_store.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tokenwatch::pricing {
namespace {

std::string TextOf(const SeriesKey& key) {
  return absl::StrCat(chain::ChainName(key.token.chain), ":", key.token.address.text(), "/", key.quote.text());
}

}  // namespace

void FakeStore::Fail(const absl::Status& status) {
  common::MutexLock lock(mutex_);
  failure_ = status;
}

// As the database would: holds the lock, and writes in order.
class FakeStore::Session final : public WriteSession {
 public:
  explicit Session(FakeStore& store) : store_(store) {}
  ~Session() override {
    common::MutexLock lock(store_.mutex_);
    store_.lock_held_ = false;
  }
  absl::StatusOr<Checkpoint> ReadCheckpoint() override {
    common::MutexLock lock(store_.mutex_);
    if (absl::Status status = StateLocked(); !status.ok()) return status;
    return store_.checkpoint_;
  }
  absl::Status Write(const Flush& flush) override {
    common::MutexLock lock(store_.mutex_);
    ++store_.writes_;
    if (absl::Status status = StateLocked(); !status.ok()) return status;
    std::pair<absl::Status, bool> outcome(absl::OkStatus(), true);
    if (!store_.write_failures_.empty()) {
      outcome = store_.write_failures_.front();
      store_.write_failures_.pop_front();
    }
    if (flush.checkpoint.flush != store_.checkpoint_.flush + 1) return absl::AbortedError("it stands elsewhere");
    if (outcome.second) store_.ApplyLocked(flush);
    return outcome.first;
  }
  absl::Status Ping() override {
    common::MutexLock lock(store_.mutex_);
    return StateLocked();
  }

 private:
  absl::Status StateLocked() TW_REQUIRES(store_.mutex_) {
    return store_.session_lost_ ? absl::UnavailableError("the session is lost") : store_.failure_;
  }
  FakeStore& store_;
};

void FakeStore::HoldLock(bool held) {
  common::MutexLock lock(mutex_);
  lock_held_ = held;
}
void FakeStore::FailWrite(const absl::Status& status, bool happens) {
  common::MutexLock lock(mutex_);
  write_failures_.emplace_back(status, happens);
}
void FakeStore::LoseSession() {
  common::MutexLock lock(mutex_);
  session_lost_ = true;
}
int FakeStore::writes() const {
  common::MutexLock lock(mutex_);
  return writes_;
}
int FakeStore::sessions() const {
  common::MutexLock lock(mutex_);
  return sessions_;
}
Checkpoint FakeStore::checkpoint() const {
  common::MutexLock lock(mutex_);
  return checkpoint_;
}

void FakeStore::Apply(const Flush& flush) {
  common::MutexLock lock(mutex_);
  ApplyLocked(flush);
}

void FakeStore::ApplyLocked(const Flush& flush) {
  checkpoint_ = flush.checkpoint;
  if (flush.parked_is_complete) parked_.clear();
  for (const ParkedSeries& parked : flush.parked) {
    parked_[parked.series].insert(parked.cursors.begin(), parked.cursors.end());
  }
  for (const Series& series : flush.series) {
    series_[TextOf(series.key)] = series;
    parked_.erase(FingerprintOf(series.key));
  }
  for (const ChunkRow& chunk : flush.chunks) chunks_[{TextOf(chunk.key), chunk.start}] = chunk;
}

void FakeStore::Finish(const PriceRequest& request) {
  common::MutexLock lock(mutex_);
  requests_[request.request_id] = request;
}

size_t FakeStore::series_rows() const {
  common::MutexLock lock(mutex_);
  return series_.size();
}
size_t FakeStore::chunk_rows() const {
  common::MutexLock lock(mutex_);
  return chunks_.size();
}
int FakeStore::request_reads() const {
  common::MutexLock lock(mutex_);
  return request_reads_;
}

absl::StatusOr<std::unique_ptr<WriteSession>> FakeStore::OpenWriteSession(absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  if (lock_held_) return nullptr;
  lock_held_ = true;
  session_lost_ = false;
  ++sessions_;
  return std::make_unique<Session>(*this);
}

absl::StatusOr<Checkpoint> FakeStore::ReadCheckpoint(absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  return checkpoint_;
}

absl::StatusOr<std::vector<Series>> FakeStore::LoadSeries(absl::Span<const SeriesKey> keys, absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  std::vector<Series> found;
  for (const SeriesKey& key : keys) {
    const auto row = series_.find(TextOf(key));
    if (row != series_.end()) found.push_back(row->second);
  }
  return found;
}

absl::StatusOr<std::vector<Series>> FakeStore::LoadSeriesOf(absl::Span<const chain::TokenRef> tokens, absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  std::vector<Series> found;
  for (const auto& [text, series] : series_) {
    if (std::find(tokens.begin(), tokens.end(), series.key.token) != tokens.end()) found.push_back(series);
  }
  return found;
}

absl::StatusOr<std::vector<ChunkRow>> FakeStore::LoadChunks(absl::Span<const std::pair<SeriesKey, absl::Time>> chunks,
                                                            absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  std::vector<ChunkRow> found;
  for (const auto& [key, start] : chunks) {
    const auto row = chunks_.find({TextOf(key), start});
    if (row != chunks_.end()) found.push_back(row->second);
  }
  return found;
}

absl::StatusOr<std::vector<ChunkRow>> FakeStore::ReadChunks(const SeriesKey& key, absl::Time from, absl::Time to,
                                                            int limit, absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  std::vector<ChunkRow> found;
  for (auto row = chunks_.lower_bound({TextOf(key), from}); row != chunks_.end(); ++row) {
    if (!(row->second.key == key) || row->second.start > to || static_cast<int>(found.size()) >= limit) break;
    found.push_back(row->second);
  }
  return found;
}

absl::StatusOr<std::optional<ChunkRow>> FakeStore::ReadChunkBefore(const SeriesKey& key, absl::Time before,
                                                                   absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  std::optional<ChunkRow> found;
  for (const auto& [place, row] : chunks_) {
    if (row.key == key && row.start < before) found = row;
  }
  return found;
}

absl::Status FakeStore::VisitPersisted(const std::function<void(const SeriesKey&)>& visit, absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  for (const auto& [text, series] : series_) visit(series.key);
  return absl::OkStatus();
}

absl::Status FakeStore::VisitParked(const std::function<void(ParkedSeries&&)>& visit, absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  for (const auto& [series, cursors] : parked_) visit({series, {cursors.begin(), cursors.end()}});
  return absl::OkStatus();
}

absl::StatusOr<bool> FakeStore::Watch(const chain::TokenRef& token, absl::Time, absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  return watched_.insert(token).second;
}

absl::StatusOr<bool> FakeStore::Unwatch(const chain::TokenRef& token, absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  return watched_.erase(token) > 0;
}

absl::StatusOr<std::vector<chain::TokenRef>> FakeStore::ListWatched(absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  return std::vector<chain::TokenRef>(watched_.begin(), watched_.end());
}

absl::Status FakeStore::AddReferences(absl::Span<const Reference> references, absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  references_.insert(references_.end(), references.begin(), references.end());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Reference>> FakeStore::LoadReferences(absl::Time from, absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  std::vector<Reference> found;
  for (const Reference& reference : references_) {
    if (reference.event_time >= from) found.push_back(reference);
  }
  return found;
}

absl::StatusOr<PriceRequest> FakeStore::AddRequest(const PriceRequest& request, absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  const auto [place, added] = requests_.try_emplace(request.request_id, request);
  if (!added && place->second.token != request.token) {
    return absl::AlreadyExistsError("request_id: is taken by a request for another token");
  }
  return place->second;
}

absl::StatusOr<PriceRequest> FakeStore::GetRequest(const std::string& request_id, absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  ++request_reads_;
  const auto found = requests_.find(request_id);
  if (found == requests_.end()) return absl::NotFoundError("request_id: no such request");
  return found->second;
}

absl::StatusOr<RequestPage> FakeStore::ListRequests(std::optional<RequestState> state,
                                                    const std::optional<std::pair<absl::Time, std::string>>& after,
                                                    int limit, absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  std::vector<PriceRequest> all;
  for (const auto& [id, request] : requests_) {
    if (state.has_value() && request.state != *state) continue;
    if (after.has_value() && !(std::make_pair(request.created_at, id) < *after)) continue;
    all.push_back(request);
  }
  std::sort(all.begin(), all.end(), [](const PriceRequest& a, const PriceRequest& b) {
    return std::make_pair(b.created_at, b.request_id) < std::make_pair(a.created_at, a.request_id);
  });
  RequestPage page;
  for (const PriceRequest& request : all) {
    if (static_cast<int>(page.requests.size()) == limit) {
      page.next.emplace(page.requests.back().created_at, page.requests.back().request_id);
      break;
    }
    page.requests.push_back(request);
  }
  return page;
}

absl::StatusOr<std::vector<PriceRequest>> FakeStore::TakeDueRequests(int limit, absl::Time now, absl::Time lease_until,
                                                                     absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  std::vector<PriceRequest> due;
  for (const auto& [id, request] : requests_) {
    if (due.size() == static_cast<size_t>(limit)) break;
    if (request.state != RequestState::kWaiting || request.next_attempt_at > now) continue;
    const auto lease = leases_.find(id);
    if (lease != leases_.end() && lease->second > now) continue;
    leases_[id] = lease_until;
    due.push_back(request);
  }
  return due;
}

absl::Status FakeStore::FinishRequests(absl::Span<const PriceRequest> requests, absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  for (const PriceRequest& request : requests) {
    leases_.erase(request.request_id);
    PriceRequest& held = requests_[request.request_id];
    if (held.state == RequestState::kWaiting) held = request;
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> FakeStore::CountWaiting(absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  return std::count_if(requests_.begin(), requests_.end(),
                       [](const auto& each) { return each.second.state == RequestState::kWaiting; });
}

absl::StatusOr<int64_t> FakeStore::PruneRequests(absl::Time, int, absl::Time) { return 0; }

absl::StatusOr<DatabaseState> FakeStore::Diagnose(absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  return DatabaseState{"platform", "pricing", {{"pricing.token_prices", true, "", 7, false}}};
}

}  // namespace tokenwatch::pricing

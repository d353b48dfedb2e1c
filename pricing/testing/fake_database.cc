#include "pricing/testing/fake_database.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"

namespace tokenwatch::pricing::testing {

absl::StatusOr<std::vector<Series>> FakeDatabase::LoadSeries(absl::Span<const SeriesKey> keys) {
  if (!outage.ok()) return outage;
  std::vector<Series> found;
  for (const SeriesKey& key : keys) {
    ++looks;
    const auto row = rows.find(key);
    if (row != rows.end()) found.push_back(row->second);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

absl::StatusOr<std::vector<ChunkRow>> FakeDatabase::LoadChunks(
    absl::Span<const std::pair<SeriesKey, absl::Time>> wanted) {
  if (!outage.ok()) return outage;
  std::vector<ChunkRow> found;
  for (const auto& key : wanted) {
    ++looks;
    const auto row = chunks.find(key);
    if (row != chunks.end()) found.push_back({key.first, key.second, row->second});
  }
  std::reverse(found.begin(), found.end());
  return found;
}

absl::StatusOr<std::vector<Trade>> FakeDatabase::GetTrades(absl::Span<const uint64_t> cursors) {
  if (!outage.ok()) return outage;
  std::vector<Trade> found;
  for (uint64_t cursor : cursors) {
    if (cursor <= pruned_to) continue;
    const auto trade = std::lower_bound(log_.begin(), log_.end(), cursor,
                                        [](const Trade& a, uint64_t wanted) { return a.cursor < wanted; });
    if (trade != log_.end() && trade->cursor == cursor) found.push_back(*trade);
  }
  return found;
}

absl::StatusOr<std::vector<chain::TokenRef>> FakeDatabase::SeenSince(absl::Span<const chain::TokenRef> tokens,
                                                                     absl::Time since) {
  if (!outage.ok()) return outage;
  std::vector<chain::TokenRef> seen;
  for (const chain::TokenRef& token : tokens) {
    const auto first = std::find_if(log_.begin(), log_.end(), [&](const Trade& trade) { return trade.token == token; });
    if (first != log_.end() && first->event_time >= since) seen.push_back(token);
  }
  return seen;
}

absl::Status FakeDatabase::CheckOrder(const Flush& flush) const {
  if (flush.checkpoint.flush != checkpoint.flush + 1) return absl::AbortedError("the checkpoint stands elsewhere");
  if (flush.checkpoint.cursor < checkpoint.cursor) return absl::InternalError("the cursor goes back");
  for (const Series& series : flush.series) {
    const auto row = rows.find(series.key);
    if (row != rows.end() && row->second.cursor > series.cursor) return absl::InternalError("a row goes back");
  }
  return absl::OkStatus();
}

void FakeDatabase::WriteRows(const Flush& flush, const std::function<bool(const SeriesKey&)>& is_written) {
  for (const Series& series : flush.series) {
    if (is_written(series.key)) rows.insert_or_assign(series.key, series);
  }
  for (const ChunkRow& chunk : flush.chunks) {
    if (is_written(chunk.key)) chunks.insert_or_assign({chunk.key, chunk.start}, chunk.packed);
  }
}

absl::Status FakeDatabase::Write(const Flush& flush) {
  if (absl::Status status = CheckOrder(flush); !status.ok()) return status;
  checkpoint = flush.checkpoint;
  if (flush.parked_is_complete) parked.clear();
  parked.insert(parked.end(), flush.parked.begin(), flush.parked.end());
  WriteRows(flush, [](const SeriesKey&) { return true; });
  absl::flat_hash_set<Fingerprint> kept;
  for (const Series& series : flush.series) kept.insert(FingerprintOf(series.key));
  parked.erase(std::remove_if(parked.begin(), parked.end(),
                              [&](const ParkedSeries& series) { return kept.contains(series.series); }),
               parked.end());
  return absl::OkStatus();
}

absl::Status FakeDatabase::WritePart(const Flush& flush, const std::function<bool(const SeriesKey&)>& is_written) {
  if (absl::Status status = CheckOrder(flush); !status.ok()) return status;
  const Checkpoint before = checkpoint;
  checkpoint = flush.checkpoint;
  checkpoint.flush = before.flush;
  checkpoint.redo_cursor = before.redo_cursor;
  WriteRows(flush, is_written);
  return absl::OkStatus();
}

void FakeDatabase::Restore(Fold& fold) const {
  fold.Begin(checkpoint);
  for (ParkedSeries series : parked) fold.AddParked(std::move(series));
  for (const auto& [key, series] : rows) fold.AddKept(key);
}

absl::flat_hash_map<Fingerprint, std::set<uint64_t>> FakeDatabase::Parked() const {
  absl::flat_hash_set<Fingerprint> kept;
  for (const auto& [key, series] : rows) kept.insert(FingerprintOf(key));
  absl::flat_hash_map<Fingerprint, std::set<uint64_t>> found;
  for (const ParkedSeries& series : parked) {
    if (!kept.contains(series.series)) found[series.series].insert(series.cursors.begin(), series.cursors.end());
  }
  return found;
}

}  // namespace tokenwatch::pricing::testing

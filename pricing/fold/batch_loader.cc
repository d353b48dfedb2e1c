#include "pricing/fold/batch_loader.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "pricing/fold/fingerprint.h"

namespace tokenwatch::pricing {
namespace {

std::string NameOf(const SeriesKey& key) {
  return absl::StrCat(chain::ChainName(key.token.chain), ":", key.token.address.text(), " against ", key.quote.text());
}

}  // namespace

void BatchLoader::Plan(absl::Span<const Trade> trades, uint64_t position, const HotSet::Writer& hot,
                       const ParkingLot& lot) {
  trades_ = trades;
  entries_.assign(trades.size(), nullptr);
  fresh_.clear();
  fresh_index_.clear();
  chunks_.clear();
  loads_ = 0;
  for (size_t i = 0; i < trades.size(); ++i) {
    const Trade& trade = trades[i];
    if (trade.cursor <= position) continue;
    HotEntry* entry = hot.Find(trade.token, trade.quote);
    if (entry != nullptr) {
      NeedChunk(*entry, trade);
    } else {
      const SeriesKey key{trade.token, trade.quote};
      const auto [found, is_new] = fresh_index_.try_emplace(key, fresh_.size());
      if (is_new) {
        Fresh& fresh = fresh_.emplace_back();
        fresh.entry = std::make_unique<HotEntry>(key);
        fresh.place = lot.Find(FingerprintOf(key), fresh.cursors);
      }
      entry = fresh_[found->second].entry.get();
    }
    entries_[i] = entry;
  }
}

void BatchLoader::NeedChunk(HotEntry& entry, const Trade& trade) {
  const Series& series = entry.series;
  // All candles of a series without rows are in memory.
  if (!entry.kept || trade.cursor <= series.candle_cursor) return;
  const absl::Time start = ChunkStart(trade.event_time);
  if (entry.FindChunk(start) != nullptr) return;
  // There are no candles of a time before or after all trades.
  if (start < ChunkStart(series.first.event_time) || start > ChunkStart(series.newest.event_time)) return;
  chunks_.push_back({&entry, start, nullptr});
}

absl::Status BatchLoader::Fetch(absl::Time log_began) {
  if (absl::Status status = FetchSeries(); !status.ok()) return status;
  if (absl::Status status = FetchTrades(); !status.ok()) return status;
  if (absl::Status status = FindPartial(log_began); !status.ok()) return status;
  return FetchChunks();
}

absl::Status BatchLoader::FindPartial(absl::Time log_began) {
  if (log_began == absl::InfinitePast()) return absl::OkStatus();
  std::vector<chain::TokenRef> tokens;
  for (Fresh& fresh : fresh_) {
    fresh.is_partial = fresh.place != ParkingLot::Place::kKept;
    if (fresh.is_partial) tokens.push_back(fresh.entry->series.key.token);
  }
  absl::flat_hash_set<chain::TokenRef> whole;
  for (absl::Span<const chain::TokenRef> rest = tokens; !rest.empty();) {
    const absl::Span<const chain::TokenRef> part = rest.subspan(0, FoldHistory::kMaxTokens);
    rest.remove_prefix(part.size());
    const absl::StatusOr<std::vector<chain::TokenRef>> seen = history_.SeenSince(part, log_began);
    if (!seen.ok()) return seen.status();
    whole.insert(seen->begin(), seen->end());
  }
  for (Fresh& fresh : fresh_) fresh.is_partial &= !whole.contains(fresh.entry->series.key.token);
  return absl::OkStatus();
}

absl::Status BatchLoader::FetchRows(const std::vector<SeriesKey>& keys) {
  if (keys.empty()) return absl::OkStatus();
  absl::StatusOr<std::vector<Series>> rows = history_.LoadSeries(keys);
  if (!rows.ok()) return rows.status();
  for (Series& row : *rows) {
    const auto found = fresh_index_.find(row.key);
    if (found == fresh_index_.end()) continue;
    Fresh& fresh = fresh_[found->second];
    fresh.entry->series = std::move(row);
    fresh.entry->kept = true;
    fresh.place = ParkingLot::Place::kKept;
    ++loads_;
  }
  return absl::OkStatus();
}

absl::Status BatchLoader::FetchSeries() {
  std::vector<SeriesKey> keys;
  for (const Fresh& fresh : fresh_) {
    if (fresh.place == ParkingLot::Place::kKept) keys.push_back(fresh.entry->series.key);
  }
  if (absl::Status status = FetchRows(keys); !status.ok()) return status;
  for (const Fresh& fresh : fresh_) {
    if (fresh.place == ParkingLot::Place::kKept && !fresh.entry->kept) {
      return absl::DataLossError(absl::StrCat("the row of ", NameOf(fresh.entry->series.key), " is gone"));
    }
  }
  return absl::OkStatus();
}

absl::Status BatchLoader::FetchTrades() {
  std::vector<uint64_t> cursors;
  for (const Fresh& fresh : fresh_) cursors.insert(cursors.end(), fresh.cursors.begin(), fresh.cursors.end());
  std::sort(cursors.begin(), cursors.end());
  cursors.erase(std::unique(cursors.begin(), cursors.end()), cursors.end());
  for (absl::Span<const uint64_t> rest = cursors; !rest.empty();) {
    const absl::Span<const uint64_t> part = rest.subspan(0, FoldHistory::kMaxCursors);
    rest.remove_prefix(part.size());
    absl::StatusOr<std::vector<Trade>> trades = history_.GetTrades(part);
    if (!trades.ok()) return trades.status();
    for (const Trade& trade : *trades) {
      const auto found = fresh_index_.find(SeriesKey{trade.token, trade.quote});
      if (found == fresh_index_.end()) continue;
      Fresh& fresh = fresh_[found->second];
      const bool is_parked = std::binary_search(fresh.cursors.begin(), fresh.cursors.end(), trade.cursor);
      if (is_parked && (fresh.trades.empty() || fresh.trades.back().cursor < trade.cursor)) {
        fresh.trades.push_back(trade);
      }
    }
  }
  // Where the log has not all of them any more, another replica may have made a row while it had.
  std::vector<SeriesKey> keys;
  for (const Fresh& fresh : fresh_) {
    if (fresh.trades.size() < fresh.cursors.size()) keys.push_back(fresh.entry->series.key);
  }
  return FetchRows(keys);
}

absl::Status BatchLoader::FetchChunks() {
  for (size_t i = 0; i < trades_.size(); ++i) {
    if (entries_[i] != nullptr && !entries_[i]->is_in) NeedChunk(*entries_[i], trades_[i]);
  }
  const auto place = [](const Chunk& chunk) { return std::tuple(chunk.entry, chunk.start); };
  std::sort(chunks_.begin(), chunks_.end(), [&](const Chunk& a, const Chunk& b) { return place(a) < place(b); });
  chunks_.erase(
      std::unique(chunks_.begin(), chunks_.end(), [&](const Chunk& a, const Chunk& b) { return place(a) == place(b); }),
      chunks_.end());
  if (chunks_.empty()) return absl::OkStatus();
  std::vector<std::pair<SeriesKey, absl::Time>> keys;
  absl::flat_hash_map<std::pair<SeriesKey, absl::Time>, size_t> index;
  for (const Chunk& chunk : chunks_) {
    keys.emplace_back(chunk.entry->series.key, chunk.start);
    index.emplace(keys.back(), keys.size() - 1);
  }
  const absl::StatusOr<std::vector<ChunkRow>> rows = history_.LoadChunks(keys);
  if (!rows.ok()) return rows.status();
  for (const ChunkRow& row : *rows) {
    const auto found = index.find({row.key, row.start});
    if (found == index.end()) continue;
    absl::StatusOr<CandleChunk> chunk = CandleChunk::Decode(row.start, row.packed);
    if (!chunk.ok()) {
      return absl::DataLossError(absl::StrCat("candles of ", NameOf(row.key), " at ", absl::FormatTime(row.start), ": ",
                                              chunk.status().message()));
    }
    chunks_[found->second].chunk = std::make_unique<CandleChunk>(*std::move(chunk));
    ++loads_;
  }
  return absl::OkStatus();
}

}  // namespace tokenwatch::pricing

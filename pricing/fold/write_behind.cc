#include "pricing/fold/write_behind.h"

#include <algorithm>
#include <utility>

#include "pricing/candles/candle_chunk.h"
#include "pricing/fold/fingerprint.h"

namespace tokenwatch::pricing {
namespace {

// A chunk is taken for complete only so long after its end, because event times step back a little.
constexpr absl::Duration kLateTrades = absl::Minutes(1);

size_t RowsOf(const HotEntry& entry) {
  if (!entry.kept) return 0;
  return 1 + static_cast<size_t>(std::count_if(entry.chunks.begin(), entry.chunks.end(),
                                               [](const HotChunk& held) { return held.dirty; }));
}

}  // namespace

void WriteBehind::Changed(HotEntry& entry, uint64_t cursor, absl::Time now) {
  if (entry.dirty_since != 0) return;
  entry.dirty_since = cursor;
  entry.dirty_at = now;
  dirty_.PushBack(entry);
}

uint64_t WriteBehind::RedoCursor(uint64_t position) const {
  return dirty_.empty() ? position : std::min(position, dirty_.front()->dirty_since - 1);
}

bool WriteBehind::IsDue(absl::Time dirty_at, absl::Time now) const {
  return dirty_at + row_interval_ <= now || ChunkStart(dirty_at) + kChunkLength + kLateTrades <= now;
}

bool WriteBehind::Take(HotEntry& entry, size_t max_rows, absl::Time now, Flush& flush) {
  if (flush.rows() > 0 && flush.rows() + RowsOf(entry) > max_rows) return false;
  in_flight_.push_back({&entry, entry.dirty_since, entry.dirty_at, entry.kept});
  dirty_.Remove(entry);
  entry.dirty_since = 0;
  entry.in_flight = true;
  if (!entry.kept) {
    RowlessTrades& rowless = *entry.rowless;
    flush.parked.push_back({FingerprintOf(entry.series.key),
                            {rowless.cursors.begin() + static_cast<ptrdiff_t>(rowless.parked), rowless.cursors.end()}});
    rowless.parking = rowless.cursors.size();
    return true;
  }
  TakeRow(entry, now, flush);
  return true;
}

// Of a series that trades on, the chunk after one that is complete has a minute or two. Written now, it would be a row
// that is written again, and longer, when it is complete in its turn. But what a row says of its candles never goes
// back, whoever wrote it; and with its first row a series is parked no more, while a replica that has seen its trades
// parked counts on them for good.
bool WriteBehind::MayKeepBack(const HotEntry& entry, uint64_t entry_since, const HotChunk& held, absl::Time now) const {
  return now != absl::InfiniteFuture() && entry.rowless == nullptr && held.dirty_since >= entry_since &&
         held.dirty_since > others_wrote_ && !IsDue(held.dirty_at, now);
}

void WriteBehind::TakeRow(HotEntry& entry, absl::Time now, Flush& flush) {
  const uint64_t entry_since = in_flight_.back().dirty_since;
  Series& row = flush.series.emplace_back(entry.series);
  for (HotChunk& held : entry.chunks) {
    if (!held.dirty) continue;
    if (MayKeepBack(entry, entry_since, held, now)) {
      if (entry.dirty_since == 0) kept_back_.push_back(&entry);
      if (entry.dirty_since == 0 || held.dirty_since < entry.dirty_since) {
        entry.dirty_since = held.dirty_since;
        entry.dirty_at = held.dirty_at;
      }
      row.candle_cursor = std::min(row.candle_cursor, held.dirty_since - 1);
      continue;
    }
    flush.chunks.push_back(
        {entry.series.key, held.chunk.start(), held.chunk.Encode(), static_cast<int>(held.chunk.size())});
    held.dirty = false;
    held.in_flight = true;
  }
}

void WriteBehind::PutBack() {
  if (kept_back_.empty()) return;
  std::vector<HotEntry*> entries;
  entries.reserve(dirty_.size() + kept_back_.size());
  for (HotEntry* entry = dirty_.front(); entry != nullptr; entry = dirty_.After(*entry)) entries.push_back(entry);
  const auto middle = static_cast<ptrdiff_t>(entries.size());
  const auto is_before = [](const HotEntry* a, const HotEntry* b) { return a->dirty_since < b->dirty_since; };
  std::sort(kept_back_.begin(), kept_back_.end(), is_before);
  entries.insert(entries.end(), kept_back_.begin(), kept_back_.end());
  std::inplace_merge(entries.begin(), entries.begin() + middle, entries.end(), is_before);
  kept_back_.clear();
  dirty_.Clear();
  for (HotEntry* entry : entries) dirty_.PushBack(*entry);
}

void WriteBehind::TakeDue(absl::Time now, bool everything, size_t max_rows, Flush& flush) {
  // An eighth more than too many, so that the next that gets dirty is not too many again.
  const size_t wanted = has_too_many() ? max_dirty_ - max_dirty_ / 8 : max_dirty_;
  while (!dirty_.empty()) {
    HotEntry& oldest = *dirty_.front();
    const bool must_go = everything || dirty_.size() + kept_back_.size() > wanted;
    if (!must_go && !IsDue(oldest.dirty_at, now)) break;
    if (!Take(oldest, max_rows, must_go ? absl::InfiniteFuture() : now, flush)) break;
  }
  PutBack();
}

std::vector<HotEntry*> WriteBehind::Written() {
  std::vector<HotEntry*> entries;
  entries.reserve(in_flight_.size());
  for (const InFlight& taken : in_flight_) {
    HotEntry& entry = *taken.entry;
    entry.in_flight = false;
    if (taken.is_row) {
      entry.rowless.reset();
    } else {
      entry.rowless->parked = entry.rowless->parking;
    }
    for (HotChunk& held : entry.chunks) held.in_flight = false;
    entries.push_back(&entry);
  }
  in_flight_.clear();
  return entries;
}

void WriteBehind::Failed() {
  // Everything that is dirty, in order again. Failing is rare, so it may cost a sort.
  std::vector<HotEntry*> entries;
  for (HotEntry* entry = dirty_.front(); entry != nullptr; entry = dirty_.After(*entry)) entries.push_back(entry);
  for (const InFlight& taken : in_flight_) {
    HotEntry& entry = *taken.entry;
    entry.in_flight = false;
    for (HotChunk& held : entry.chunks) {
      if (!std::exchange(held.in_flight, false)) continue;
      held.dirty = true;
      held.dirty_since = taken.dirty_since;
      held.dirty_at = taken.dirty_at;
    }
    if (entry.dirty_since == 0) entries.push_back(&entry);
    entry.dirty_since = taken.dirty_since;
    entry.dirty_at = taken.dirty_at;
  }
  in_flight_.clear();
  std::stable_sort(entries.begin(), entries.end(),
                   [](const HotEntry* a, const HotEntry* b) { return a->dirty_since < b->dirty_since; });
  dirty_.Clear();
  for (HotEntry* entry : entries) dirty_.PushBack(*entry);
}

std::vector<HotEntry*> WriteBehind::Covered(uint64_t redo_cursor) {
  std::vector<HotEntry*> changed;
  for (HotEntry* next = dirty_.front(); next != nullptr && next->dirty_since <= redo_cursor;) {
    HotEntry& entry = *next;
    next = dirty_.After(entry);
    changed.push_back(&entry);
    // One that the writer did not find worth rows up to there has its candles in no row.
    const bool has_rows = entry.kept && entry.kept_since <= redo_cursor;
    for (HotChunk& held : entry.chunks) {
      if (has_rows && held.chunk.max_cursor() <= redo_cursor) held.dirty = false;
      if (has_rows) held.dirty_since = std::max(held.dirty_since, redo_cursor + 1);
    }
    if (has_rows) {
      entry.rowless.reset();
    } else if (entry.rowless != nullptr) {
      RowlessTrades& rowless = *entry.rowless;
      rowless.parked = static_cast<size_t>(
          std::upper_bound(rowless.cursors.begin(), rowless.cursors.end(), redo_cursor) - rowless.cursors.begin());
    }
    if (entry.series.cursor <= redo_cursor && (has_rows || !entry.kept)) {
      dirty_.Remove(entry);
      entry.dirty_since = 0;
    } else {
      entry.dirty_since = redo_cursor + 1;
    }
  }
  return changed;
}

}  // namespace tokenwatch::pricing

// What of the series in memory is not in the database yet, in the order in which it came to be so, and what of it a
// flush takes. Not thread-safe: the fold's lock protects it and what it knows of entries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "pricing/fold/entry_list.h"
#include "pricing/fold/hot_entry.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

class WriteBehind {
 public:
  // See FoldOptions.
  WriteBehind(absl::Duration row_interval, size_t max_dirty) : row_interval_(row_interval), max_dirty_(max_dirty) {}

  // The entry was changed by the trade at `cursor`, at `now` of the log's time. Cursors do not step back.
  void Changed(HotEntry& entry, uint64_t cursor, absl::Time now);
  // Whether all of the entry is in the database.
  static bool IsWritten(const HotEntry& entry) { return entry.dirty_since == 0 && !entry.in_flight; }
  // Up to where every change is in a row, parked, or in the flush in flight.
  uint64_t RedoCursor(uint64_t position) const;
  size_t dirty() const { return dirty_.size(); }
  bool has_too_many() const { return dirty_.size() > max_dirty_; }

  // Moves the unwritten part of a dirty entry into the flush. False when that would be more than max_rows rows.
  bool Take(HotEntry& entry, size_t max_rows, Flush& flush) {
    return Take(entry, max_rows, absl::InfiniteFuture(), flush);
  }
  // Takes what is due at `now` of the log's time, or everything, oldest first, up to max_rows.
  void TakeDue(absl::Time now, bool everything, size_t max_rows, Flush& flush);
  // The end of a flush. Its entries, which may have chunks now that need not be in memory.
  std::vector<HotEntry*> Written();
  void Failed();
  // Rows that were not written here may have what trades up to `cursor` did.
  void OthersWrote(uint64_t cursor) { others_wrote_ = cursor; }
  // Everything up to `redo_cursor` is in the database. Entries that changed by that.
  std::vector<HotEntry*> Covered(uint64_t redo_cursor);

 private:
  struct InFlight {
    HotEntry* entry;
    uint64_t dirty_since;
    absl::Time dirty_at;
    // Its row, not only where its trades are.
    bool is_row;
  };

  bool IsDue(absl::Time dirty_at, absl::Time now) const;
  // As above, but for chunks that are not due at `now`.
  bool Take(HotEntry& entry, size_t max_rows, absl::Time now, Flush& flush);
  void TakeRow(HotEntry& entry, absl::Time now, Flush& flush);
  // Whether a dirty chunk may wait when its series' row is written.
  bool MayKeepBack(const HotEntry& entry, uint64_t entry_since, const HotChunk& held, absl::Time now) const;
  void PutBack();

  const absl::Duration row_interval_;
  const size_t max_dirty_;
  // See OthersWrote.
  uint64_t others_wrote_ = 0;
  // In the order of dirty_since, and so nearly of dirty_at: event times may step back a little.
  EntryList<&HotEntry::dirty_hook> dirty_;
  std::vector<InFlight> in_flight_;
  // Entries with chunks that were not taken: still dirty, and on their way back to their place among those.
  std::vector<HotEntry*> kept_back_;
};

}  // namespace tokenwatch::pricing

// Which series are in memory, how much they take, and which of them are to leave: the idle ones, and the idlest when
// there are too many. Not thread-safe: the fold's lock protects it and what it knows of entries.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/time/time.h"
#include "pricing/fold/entry_list.h"
#include "pricing/fold/hot_entry.h"

namespace tokenwatch::pricing {

class ResidentList {
 public:
  // See FoldOptions.
  struct Limits {
    absl::Duration idle;
    size_t max_hot;
    size_t max_bytes;
  };
  explicit ResidentList(const Limits& limits) : limits_(limits) {}

  void Add(HotEntry& entry, absl::Time now);
  // The entry was changed at `now` of the log's time; it does not leave any more.
  void Touch(HotEntry& entry, absl::Time now);
  // What the entry takes may be another number now.
  void Recount(HotEntry& entry);
  // Tells those that have been idle for too long, or are too many, that they are to leave. Idle is meant within an
  // eighth.
  void Expire(absl::Time now);
  // A flush ended: some that are to leave may be written now.
  void FlushEnded() { some_written_ = true; }
  // Takes out those that are to leave and are written.
  std::vector<HotEntry*> TakeWritten();

  // Those that are to leave and are not written; all.
  std::vector<HotEntry*> Leaving() const;
  std::vector<HotEntry*> All() const;
  size_t size() const { return staying_.size() + leaving_.size(); }
  size_t bytes() const { return bytes_; }
  // There are more than there should be, and some of them wait to be written.
  bool waits_for_flush() const;
  // No more may come in: those that are to leave must be written first.
  bool is_overfull() const;

 private:
  bool HasTooMany() const;

  const Limits limits_;
  // Roughly the longest untouched first: an entry that was touched is put to the end when its turn to leave comes, not
  // each time.
  EntryList<&HotEntry::idle_hook> staying_;
  EntryList<&HotEntry::idle_hook> leaving_;
  // There may be some among the leaving.
  bool some_written_ = false;
  size_t bytes_ = 0;
  size_t leaving_bytes_ = 0;
};

}  // namespace tokenwatch::pricing

#include "pricing/fold/resident_list.h"

#include <utility>

#include "pricing/fold/write_behind.h"

namespace tokenwatch::pricing {
namespace {

// How often, in parts of the idle time, an entry is looked at.
constexpr int kLooks = 8;

// Room beyond the limits for what a batch brings while those that leave are being written.
size_t WithRoom(size_t limit) { return limit + limit / 4; }

}  // namespace

void ResidentList::Add(HotEntry& entry, absl::Time now) {
  entry.touched = entry.listed_at = now;
  entry.bytes = MemoryOf(entry);
  bytes_ += entry.bytes;
  staying_.PushBack(entry);
}

void ResidentList::Touch(HotEntry& entry, absl::Time now) {
  entry.touched = now;
  if (entry.leaving) {
    entry.leaving = false;
    leaving_.Remove(entry);
    leaving_bytes_ -= entry.bytes;
    entry.listed_at = now;
    staying_.PushBack(entry);
  }
  Recount(entry);
}

void ResidentList::Recount(HotEntry& entry) {
  const size_t bytes = MemoryOf(entry);
  bytes_ += bytes - entry.bytes;
  if (entry.leaving) leaving_bytes_ += bytes - entry.bytes;
  entry.bytes = bytes;
}

bool ResidentList::HasTooMany() const {
  return staying_.size() > limits_.max_hot || bytes_ - leaving_bytes_ > limits_.max_bytes;
}

void ResidentList::Expire(absl::Time now) {
  while (HotEntry* const entry = staying_.front()) {
    const bool too_many = HasTooMany();
    if (!too_many && (now - entry->listed_at < limits_.idle / kLooks || entry->listed_at == now)) return;
    const bool was_touched = entry->touched > entry->listed_at;
    staying_.Remove(*entry);
    if (now - entry->touched < limits_.idle && (was_touched || !too_many)) {
      entry->listed_at = now;
      staying_.PushBack(*entry);
      continue;
    }
    entry->leaving = true;
    some_written_ |= WriteBehind::IsWritten(*entry);
    leaving_bytes_ += entry->bytes;
    leaving_.PushBack(*entry);
  }
}

std::vector<HotEntry*> ResidentList::TakeWritten() {
  std::vector<HotEntry*> written;
  if (!std::exchange(some_written_, false)) return written;
  for (HotEntry* next = leaving_.front(); next != nullptr;) {
    HotEntry& entry = *std::exchange(next, leaving_.After(*next));
    if (!WriteBehind::IsWritten(entry)) continue;
    leaving_.Remove(entry);
    leaving_bytes_ -= entry.bytes;
    bytes_ -= entry.bytes;
    written.push_back(&entry);
  }
  return written;
}

std::vector<HotEntry*> ResidentList::Leaving() const {
  std::vector<HotEntry*> entries;
  for (HotEntry* entry = leaving_.front(); entry != nullptr; entry = leaving_.After(*entry)) entries.push_back(entry);
  return entries;
}

std::vector<HotEntry*> ResidentList::All() const {
  std::vector<HotEntry*> entries = Leaving();
  for (HotEntry* entry = staying_.front(); entry != nullptr; entry = staying_.After(*entry)) entries.push_back(entry);
  return entries;
}

bool ResidentList::waits_for_flush() const {
  return !leaving_.empty() && (size() > limits_.max_hot || bytes_ > limits_.max_bytes);
}

bool ResidentList::is_overfull() const {
  return !leaving_.empty() && (size() > WithRoom(limits_.max_hot) || bytes_ > WithRoom(limits_.max_bytes));
}

}  // namespace tokenwatch::pricing

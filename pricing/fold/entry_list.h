// A list of entries that are linked through a member of their own: an entry is put in and taken out without memory
// being asked for, and without a search. Not thread-safe.
#pragma once

#include <cstddef>

namespace tokenwatch::pricing {

struct HotEntry;

struct ListHook {
  HotEntry* before = nullptr;
  HotEntry* after = nullptr;
};

// Owns nothing. An entry is in at most one list of each hook; the caller knows in which.
template <ListHook HotEntry::*kHook>
class EntryList {
 public:
  EntryList() = default;
  EntryList(const EntryList&) = delete;
  EntryList& operator=(const EntryList&) = delete;

  HotEntry* front() const { return front_; }
  static HotEntry* After(const HotEntry& entry) { return (entry.*kHook).after; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  void PushBack(HotEntry& entry) {
    entry.*kHook = {back_, nullptr};
    (back_ != nullptr ? (back_->*kHook).after : front_) = &entry;
    back_ = &entry;
    ++size_;
  }
  void Remove(HotEntry& entry) {
    const ListHook hook = entry.*kHook;
    (hook.before != nullptr ? (hook.before->*kHook).after : front_) = hook.after;
    (hook.after != nullptr ? (hook.after->*kHook).before : back_) = hook.before;
    entry.*kHook = {};
    --size_;
  }
  void Clear() {
    front_ = back_ = nullptr;
    size_ = 0;
  }

 private:
  HotEntry* front_ = nullptr;
  HotEntry* back_ = nullptr;
  size_t size_ = 0;
};

}  // namespace tokenwatch::pricing

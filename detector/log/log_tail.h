// The newest part of both logs in memory, and the wake-up of those who follow it.
//
// A reader that is at or past the first kept position reads from here; one that is further behind reads the database.
// Both hold the same entries under the same cursors, so a reader may change over at any point without gap or repeat.
// Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "common/sync/mutex.h"
#include "detector/store.h"
#include "detector/token.h"
#include "detector/trade.h"

namespace tokenwatch::detector {

// Entries of one commit with consecutive cursors.
template <typename Entry>
using CommittedChunk = std::shared_ptr<const std::vector<Entry>>;

template <typename Entry>
class LogTail {
 public:
  // Keeps the newest chunks that hold at most `capacity` entries together, and always the newest chunk.
  explicit LogTail(size_t capacity) : capacity_(capacity) {}

  // Forgets everything: the next entry has the cursor head + 1. Called when the writer starts, and after a commit whose
  // outcome it did not see.
  void Reset(uint64_t head) TW_EXCLUDES(mutex_);
  // Entries follow the present head without a gap. Wakes the waiters.
  void Publish(std::vector<Entry> entries) TW_EXCLUDES(mutex_);
  // Another process writes: entries up to `head` are in the database. Wakes the waiters.
  void Advance(uint64_t head) TW_EXCLUDES(mutex_);

  // The chunk holding the entry after `after`; null when that entry is not kept here (see head()).
  CommittedChunk<Entry> Find(uint64_t after) const TW_EXCLUDES(mutex_);
  // The newest position that readers may know of.
  uint64_t head() const TW_EXCLUDES(mutex_);

  // Calls `wake` once: at the first change of the head after `after`, or at once when it is there already. The call
  // happens on the publishing thread, without locks: it must be quick. Returns a key for Forget.
  uint64_t NotifyPast(uint64_t after, std::function<void()> wake) TW_EXCLUDES(mutex_);
  // After it returns the waiter will not be called any more, unless its call has begun already.
  void Forget(uint64_t key) TW_EXCLUDES(mutex_);

 private:
  struct Waiter {
    uint64_t key;
    std::function<void()> wake;
  };

  void WakeAll(std::vector<Waiter> waiters);

  const size_t capacity_;
  mutable common::Mutex mutex_;
  std::deque<CommittedChunk<Entry>> chunks_ TW_GUARDED_BY(mutex_);
  size_t kept_ TW_GUARDED_BY(mutex_) = 0;
  uint64_t head_ TW_GUARDED_BY(mutex_) = 0;
  std::vector<Waiter> waiters_ TW_GUARDED_BY(mutex_);
  uint64_t next_key_ TW_GUARDED_BY(mutex_) = 1;
};

extern template class LogTail<Trade>;
extern template class LogTail<TokenEvent>;

}  // namespace tokenwatch::detector

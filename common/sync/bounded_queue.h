// A first-in first-out queue with a fixed capacity between any number of producers and consumers. Thread-safe.
//
// Close() ends it: pushing fails from then on, popping hands out what is left and then reports the end.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "common/sync/stop.h"

namespace tokenwatch::common {

enum class QueueResult {
  kOk,
  kTimeout,  // still full when the time was over
  kClosed,   // Close() was called; nothing can be pushed any more
  kStopped,  // the stop token was triggered
};

template <typename T>
class BoundedQueue {
 public:
  // `capacity` is at least 1 (0 is taken as 1).
  explicit BoundedQueue(size_t capacity) : capacity_(std::max<size_t>(capacity, 1)) {}
  BoundedQueue(const BoundedQueue&) = delete;
  BoundedQueue& operator=(const BoundedQueue&) = delete;

  // Never waits. False when full or closed; `item` is then untouched.
  bool TryPush(T&& item) {
    MutexLock lock(mutex_);
    if (closed_ || items_.size() >= capacity_) return false;
    items_.push_back(std::move(item));
    not_empty_.NotifyOne();
    return true;
  }

  // Waits up to `timeout` for room. `item` is moved from only when the result is kOk.
  QueueResult Push(T&& item, absl::Duration timeout = absl::InfiniteDuration(), const std::stop_token& stop = {}) {
    StopWaker waker(stop, mutex_, not_full_);
    const absl::Time end = absl::Now() + timeout;
    MutexLock lock(mutex_);
    while (!closed_ && items_.size() >= capacity_) {
      if (stop.stop_requested()) return QueueResult::kStopped;
      const absl::Duration left = end - absl::Now();
      if (left <= absl::ZeroDuration()) return QueueResult::kTimeout;
      not_full_.WaitFor(mutex_, left);
    }
    if (closed_) return QueueResult::kClosed;
    items_.push_back(std::move(item));
    not_empty_.NotifyOne();
    return QueueResult::kOk;
  }

  // The oldest item; waits up to `timeout` for one. Nothing when the time is over, `stop` was requested, or the queue
  // is closed and empty (see Finished()).
  std::optional<T> Pop(absl::Duration timeout = absl::InfiniteDuration(), const std::stop_token& stop = {}) {
    StopWaker waker(stop, mutex_, not_empty_);
    MutexLock lock(mutex_);
    if (!WaitForItem(timeout, stop)) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    not_full_.NotifyOne();
    return item;
  }

  // Up to `max_items` at once, oldest first; waits up to `timeout` for the first of them and not for more.
  // Empty under the conditions under which Pop returns nothing.
  std::vector<T> PopAll(size_t max_items, absl::Duration timeout = absl::InfiniteDuration(),
                        const std::stop_token& stop = {}) {
    StopWaker waker(stop, mutex_, not_empty_);
    std::vector<T> batch;
    MutexLock lock(mutex_);
    if (!WaitForItem(timeout, stop)) return batch;
    const size_t count = std::min(max_items, items_.size());
    batch.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      batch.push_back(std::move(items_.front()));
      items_.pop_front();
    }
    not_full_.NotifyAll();
    return batch;
  }

  // Idempotent. Wakes everybody who waits.
  void Close() {
    MutexLock lock(mutex_);
    closed_ = true;
    not_empty_.NotifyAll();
    not_full_.NotifyAll();
  }

  // True when the queue is closed and empty: no item will ever come out again.
  bool Finished() const {
    MutexLock lock(mutex_);
    return closed_ && items_.empty();
  }
  size_t size() const {
    MutexLock lock(mutex_);
    return items_.size();
  }
  size_t capacity() const { return capacity_; }

 private:
  // True when an item is there. A requested stop wins over waiting items: who stops wants to leave, not to drain.
  bool WaitForItem(absl::Duration timeout, const std::stop_token& stop) TW_REQUIRES(mutex_) {
    const absl::Time end = absl::Now() + timeout;
    while (!stop.stop_requested()) {
      if (!items_.empty()) return true;
      if (closed_) return false;
      const absl::Duration left = end - absl::Now();
      if (left <= absl::ZeroDuration()) return false;
      not_empty_.WaitFor(mutex_, left);
    }
    return false;
  }

  const size_t capacity_;
  mutable Mutex mutex_;
  CondVar not_empty_;
  CondVar not_full_;
  std::deque<T> items_ TW_GUARDED_BY(mutex_);
  bool closed_ TW_GUARDED_BY(mutex_) = false;
};

}  // namespace tokenwatch::common

#include "detector/log/log_tail.h"

#include <algorithm>
#include <utility>

namespace tokenwatch::detector {

template <typename Entry>
void LogTail<Entry>::Reset(uint64_t head) {
  std::vector<Waiter> waiters;
  {
    common::MutexLock lock(mutex_);
    chunks_.clear();
    kept_ = 0;
    head_ = head;
    waiters.swap(waiters_);
  }
  WakeAll(std::move(waiters));
}

template <typename Entry>
void LogTail<Entry>::Publish(std::vector<Entry> entries) {
  if (entries.empty()) return;
  std::vector<Waiter> waiters;
  {
    common::MutexLock lock(mutex_);
    head_ = entries.back().cursor;
    kept_ += entries.size();
    chunks_.push_back(std::make_shared<const std::vector<Entry>>(std::move(entries)));
    while (chunks_.size() > 1 && kept_ > capacity_) {
      kept_ -= chunks_.front()->size();
      chunks_.pop_front();
    }
    waiters.swap(waiters_);
  }
  WakeAll(std::move(waiters));
}

template <typename Entry>
void LogTail<Entry>::Advance(uint64_t head) {
  if (head == this->head()) return;
  Reset(head);
}

template <typename Entry>
CommittedChunk<Entry> LogTail<Entry>::Find(uint64_t after) const {
  common::MutexLock lock(mutex_);
  if (chunks_.empty() || after >= head_ || after + 1 < chunks_.front()->front().cursor) return nullptr;
  const auto chunk = std::partition_point(chunks_.begin(), chunks_.end(), [after](const CommittedChunk<Entry>& each) {
    return each->back().cursor <= after;
  });
  return *chunk;
}

template <typename Entry>
uint64_t LogTail<Entry>::head() const {
  common::MutexLock lock(mutex_);
  return head_;
}

template <typename Entry>
uint64_t LogTail<Entry>::NotifyPast(uint64_t after, std::function<void()> wake) {
  {
    common::MutexLock lock(mutex_);
    if (head_ <= after) {
      const uint64_t key = next_key_++;
      waiters_.push_back(Waiter{key, std::move(wake)});
      return key;
    }
  }
  wake();
  return 0;
}

template <typename Entry>
void LogTail<Entry>::Forget(uint64_t key) {
  common::MutexLock lock(mutex_);
  std::erase_if(waiters_, [key](const Waiter& waiter) { return waiter.key == key; });
}

template <typename Entry>
void LogTail<Entry>::WakeAll(std::vector<Waiter> waiters) {
  for (Waiter& waiter : waiters) waiter.wake();
}

template class LogTail<Trade>;
template class LogTail<TokenEvent>;

}  // namespace tokenwatch::detector

// std::mutex and std::condition_variable with clang's lock annotations.
//
// Why not absl::Mutex: Debian's Abseil is not built for ThreadSanitizer, so a correctly locked absl::Mutex is reported
// as a race; std::mutex is understood.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/time/time.h"
#include "common/sync/thread_annotations.h"

namespace tokenwatch::common {

class TW_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() TW_ACQUIRE() { mutex_.lock(); }
  void Unlock() TW_RELEASE() { mutex_.unlock(); }
  bool TryLock() TW_TRY_ACQUIRE(true) { return mutex_.try_lock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class TW_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) TW_ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() TW_RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits may wake spuriously: call them in a loop that tests the condition.
class CondVar {
 public:
  void Wait(Mutex& mutex) TW_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }

  // False when `timeout` of real time passed without a wake-up. An infinite time-out is bounded to an hour a call.
  bool WaitFor(Mutex& mutex, absl::Duration timeout) TW_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const auto bounded = absl::ToChronoMicroseconds(std::min(timeout, absl::Hours(1)));
    const bool woken = condition_.wait_for(lock, bounded) == std::cv_status::no_timeout;
    lock.release();
    return woken;
  }

  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace tokenwatch::common

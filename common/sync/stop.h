// Waiting that a std::stop_token ends at once.
//
// std::condition_variable knows nothing of stop tokens, and std::condition_variable_any costs an allocation and a
// second mutex per wait. A StopWaker notifies a CondVar when the token is triggered; the waiting loop tests the token
// itself.
#pragma once

#include <stop_token>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"

namespace tokenwatch::common {

// While it lives, a stop request on `stop` wakes every waiter of `condition`.
// Construct it BEFORE locking `mutex` and let it die after unlocking: both ends may run or wait for the callback, which
// takes the mutex so that no waiter can miss the wake-up between its test and its wait.
class StopWaker {
 public:
  StopWaker(const std::stop_token& stop, Mutex& mutex, CondVar& condition)
      : callback_(stop, Wake{&mutex, &condition}) {}

 private:
  struct Wake {
    Mutex* mutex;
    CondVar* condition;
    void operator()() const {
      MutexLock lock(*mutex);
      condition->NotifyAll();
    }
  };
  std::stop_callback<Wake> callback_;
};

// Sleeps `duration` of real time. False when `stop` ended the sleep (or had been requested before).
inline bool SleepUnlessStopped(const std::stop_token& stop, absl::Duration duration) {
  Mutex mutex;
  CondVar condition;
  StopWaker waker(stop, mutex, condition);
  const absl::Time end = absl::Now() + duration;
  MutexLock lock(mutex);
  while (!stop.stop_requested()) {
    const absl::Duration left = end - absl::Now();
    if (left <= absl::ZeroDuration()) return true;
    condition.WaitFor(mutex, left);
  }
  return false;
}

}  // namespace tokenwatch::common

// Work that is done by one thread at a time: tasks in the order they were posted, and timers on an injected clock.
//
// What only tasks touch needs no lock. In a service a thread calls Run(); in a test on a fake clock the test calls
// RunDue() and moves the clock to the time it returns, so that hours of time-outs and retries take no time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <stop_token>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"

namespace tokenwatch::common {

// Thread-safe, but for RunDue and Run: one thread at a time calls those, and no task does. A task must not throw.
class EventLoop {
 public:
  using Task = absl::AnyInvocable<void() &&>;
  // Never 0.
  using TimerId = std::uint64_t;

  // `clock` must outlive the loop.
  explicit EventLoop(Clock& clock) : clock_(clock) {}
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Never refuses: whoever posts has a bound of its own.
  void Post(Task task) TW_EXCLUDES(mutex_);
  // Runs `task` once at `time` or soon after; timers of the same time in the order they were set.
  TimerId At(absl::Time time, Task task) TW_EXCLUDES(mutex_);
  // False when it has run, runs now, or was cancelled. Destroys its task.
  bool Cancel(TimerId timer) TW_EXCLUDES(mutex_);

  // Runs what is due, and what becomes due by that without the clock moving. Returns when the next timer is due;
  // InfiniteFuture when there is none.
  absl::Time RunDue() TW_EXCLUDES(mutex_);
  // Runs what is due, and sleeps in between, until `stop`. Tasks and timers left then do not run.
  void Run(const std::stop_token& stop) TW_EXCLUDES(mutex_);

  absl::Time Now() const { return clock_.Now(); }
  // Tasks posted and timers set that have not run.
  std::size_t size() const TW_EXCLUDES(mutex_);

 private:
  using TimerKey = std::pair<absl::Time, TimerId>;

  Clock& clock_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<Task> posted_ TW_GUARDED_BY(mutex_);
  std::map<TimerKey, Task> timers_ TW_GUARDED_BY(mutex_);
  std::map<TimerId, absl::Time> times_ TW_GUARDED_BY(mutex_);
  TimerId last_timer_ TW_GUARDED_BY(mutex_) = 0;
};

}  // namespace tokenwatch::common

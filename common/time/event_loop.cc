#include "common/time/event_loop.h"

#include <algorithm>
#include <utility>

#include "common/sync/stop.h"

namespace tokenwatch::common {

void EventLoop::Post(Task task) {
  MutexLock lock(mutex_);
  posted_.push_back(std::move(task));
  changed_.NotifyOne();
}

EventLoop::TimerId EventLoop::At(absl::Time time, Task task) {
  MutexLock lock(mutex_);
  const TimerId id = ++last_timer_;
  const bool is_next = timers_.empty() || time < timers_.begin()->first.first;
  timers_.emplace(TimerKey{time, id}, std::move(task));
  times_.emplace(id, time);
  if (is_next) changed_.NotifyOne();
  return id;
}

bool EventLoop::Cancel(TimerId timer) {
  // Destroyed after unlocking: what a task owns may call back.
  Task task;
  MutexLock lock(mutex_);
  const auto found = times_.find(timer);
  if (found == times_.end()) return false;
  const auto entry = timers_.find(TimerKey{found->second, timer});
  task = std::move(entry->second);
  timers_.erase(entry);
  times_.erase(found);
  return true;
}

absl::Time EventLoop::RunDue() {
  while (true) {
    std::vector<Task> posted;
    Task timer;
    {
      MutexLock lock(mutex_);
      if (!posted_.empty()) {
        posted.swap(posted_);
      } else if (timers_.empty()) {
        return absl::InfiniteFuture();
      } else if (const auto next = timers_.begin(); next->first.first <= clock_.Now()) {
        timer = std::move(next->second);
        times_.erase(next->first.second);
        timers_.erase(next);
      } else {
        return next->first.first;
      }
    }
    for (Task& task : posted) std::move(task)();
    if (timer) std::move(timer)();
  }
}

void EventLoop::Run(const std::stop_token& stop) {
  StopWaker waker(stop, mutex_, changed_);
  while (!stop.stop_requested()) {
    const absl::Time next = RunDue();
    MutexLock lock(mutex_);
    if (stop.stop_requested() || !posted_.empty()) continue;
    // A timer set since RunDue returned may be earlier.
    const absl::Time earliest = timers_.empty() ? next : std::min(next, timers_.begin()->first.first);
    changed_.WaitFor(mutex_, earliest - clock_.Now());
  }
}

std::size_t EventLoop::size() const {
  MutexLock lock(mutex_);
  return posted_.size() + timers_.size();
}

}  // namespace tokenwatch::common

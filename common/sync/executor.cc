#include "common/sync/executor.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <pthread.h>

#include "absl/time/clock.h"

namespace tokenwatch::common {
namespace {

Executor::Options Sanitized(Executor::Options options) {
  options.threads = std::max(options.threads, 1);
  options.queue_capacity = std::max<size_t>(options.queue_capacity, 1);
  return options;
}

}  // namespace

Executor::Executor(Options options) : options_(Sanitized(std::move(options))), queue_(options_.queue_capacity) {
  MutexLock lock(mutex_);
  for (int i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this] { Work(); });
    pthread_setname_np(threads_.back().native_handle(), options_.name.substr(0, 15).c_str());
  }
}

Executor::~Executor() { Stop(); }

bool Executor::TrySubmit(Task task) {
  {
    MutexLock lock(mutex_);
    ++pending_;  // before the push: a worker may finish the task before this thread goes on
  }
  if (queue_.TryPush(std::move(task))) return true;
  refused_.fetch_add(1, std::memory_order_relaxed);
  MutexLock lock(mutex_);
  if (--pending_ == 0) idle_.NotifyAll();
  return false;
}

bool Executor::Drain(absl::Duration timeout) {
  queue_.Close();
  const absl::Time end = absl::Now() + timeout;
  MutexLock lock(mutex_);
  while (pending_ > 0) {
    const absl::Duration left = end - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    idle_.WaitFor(mutex_, left);
  }
  return true;
}

void Executor::Stop() {
  queue_.Close();
  // What is dropped is destroyed outside any lock: destructors of tasks may do things.
  for (auto dropped = queue_.PopAll(options_.queue_capacity); !dropped.empty();
       dropped = queue_.PopAll(options_.queue_capacity)) {
    MutexLock lock(mutex_);
    pending_ -= dropped.size();
    if (pending_ == 0) idle_.NotifyAll();
  }
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

void Executor::Work() {
  while (!queue_.Finished()) {
    std::optional<Task> task = queue_.Pop(absl::Minutes(1));
    if (!task.has_value()) continue;
    running_.fetch_add(1, std::memory_order_relaxed);
    std::move (*task)();
    task.reset();  // what the task holds is gone before Drain reports that it is done
    running_.fetch_sub(1, std::memory_order_relaxed);
    MutexLock lock(mutex_);
    if (--pending_ == 0) idle_.NotifyAll();
  }
}

}  // namespace tokenwatch::common

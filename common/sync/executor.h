// A fixed number of threads behind a bounded queue: where blocking work goes that a callback must not do itself.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "common/sync/bounded_queue.h"
#include "common/sync/mutex.h"

namespace tokenwatch::common {

// Thread-safe. A task must not throw (an exception that leaves one ends the program) and must not call Drain or Stop.
class Executor {
 public:
  using Task = absl::AnyInvocable<void() &&>;

  struct Options {
    std::string name = {};       // thread names (first 15 bytes) and metric label
    int threads = 4;             // at least 1
    size_t queue_capacity = 64;  // waiting tasks, the running ones not counted
  };

  explicit Executor(Options options);
  // Stop().
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // False when the queue is full or the executor no longer accepts work; the task is then destroyed without having run.
  bool TrySubmit(Task task);

  // Accepts nothing any more and waits up to `timeout` until everything accepted has run. True when it has; otherwise
  // Stop() is what remains to be called.
  bool Drain(absl::Duration timeout);

  // Accepts nothing any more, destroys waiting tasks without running them, waits for the running ones and joins the
  // threads. Idempotent.
  void Stop();

  const std::string& name() const { return options_.name; }
  int threads() const { return options_.threads; }
  size_t queue_capacity() const { return options_.queue_capacity; }
  // Readings for metrics; each is right for the moment it is taken.
  size_t queue_depth() const { return queue_.size(); }
  int running() const { return running_.load(std::memory_order_relaxed); }
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  void Work();

  const Options options_;
  BoundedQueue<Task> queue_;
  std::atomic<int> running_{0};
  std::atomic<uint64_t> refused_{0};

  Mutex mutex_;
  CondVar idle_;
  // Accepted and neither run nor dropped yet.
  size_t pending_ TW_GUARDED_BY(mutex_) = 0;
  std::vector<std::thread> threads_ TW_GUARDED_BY(mutex_);
};

}  // namespace tokenwatch::common

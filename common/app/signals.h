// SIGTERM and SIGINT as events instead of interruptions.
#pragma once

#include <functional>
#include <thread>

namespace tokenwatch::common {

// Blocks SIGTERM and SIGINT for this thread and those it will start, and ignores SIGPIPE. Call it first in main: a
// thread that does not block them would let them end the process.
void BlockTerminationSignals();

// Waits for the blocked signals on a thread of its own. The first calls `on_first`; a second one ends the process at
// once with the conventional code 128 + signal.
class SignalWaiter {
 public:
  explicit SignalWaiter(std::function<void(int signal)> on_first);
  ~SignalWaiter();
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

 private:
  void Wait(const std::function<void(int)>& on_first) const;

  const int signal_fd_;
  const int end_fd_;
  std::thread thread_;
};

}  // namespace tokenwatch::common

// Turns Ctrl-C, SIGTERM and a reader that goes away into a stop request.
#pragma once

#include <stop_token>
#include <thread>

namespace tokenwatch::cli {

// Make one before any other thread starts: it blocks the signals for all threads and takes them in its own. The second
// signal ends the process at once with exit code 130, should something not stop.
class InterruptWatch {
 public:
  // Requests the stop also when the reader of `output` (a pipe or a terminal) goes away.
  explicit InterruptWatch(int output);
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  std::stop_token token() const { return stop_.get_token(); }

 private:
  void Run(int output);

  int signals_ = -1;
  int finished_ = -1;
  std::stop_source stop_;
  std::thread thread_;
};

}  // namespace tokenwatch::cli

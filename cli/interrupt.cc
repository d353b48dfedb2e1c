#include "cli/interrupt.h"

#include <csignal>
#include <cstdint>
#include <cstdlib>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/exit_codes.h"

namespace tokenwatch::cli {

InterruptWatch::InterruptWatch(int output) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signals_ = ::signalfd(-1, &signals, SFD_CLOEXEC);
  finished_ = ::eventfd(0, EFD_CLOEXEC);
  // Only a process without free descriptors gets here, and it could do nothing else either.
  if (signals_ < 0 || finished_ < 0) std::abort();
  thread_ = std::thread([this, output] { Run(output); });
}

InterruptWatch::~InterruptWatch() {
  const uint64_t one = 1;
  // An eventfd at zero always takes a one.
  [[maybe_unused]] const ssize_t written = ::write(finished_, &one, sizeof(one));
  thread_.join();
  ::close(signals_);
  ::close(finished_);
}

void InterruptWatch::Run(int output) {
  // A descriptor of -1 is passed over by poll.
  pollfd watched[] = {{signals_, POLLIN, 0}, {finished_, POLLIN, 0}, {output, 0, 0}};
  while (true) {
    if (::poll(watched, 3, -1) < 0) continue;
    if ((watched[1].revents & POLLIN) != 0) return;
    if ((watched[0].revents & POLLIN) != 0) {
      signalfd_siginfo info;
      if (::read(signals_, &info, sizeof(info)) == sizeof(info) && !stop_.request_stop()) ::_exit(kExitInterrupted);
    }
    if (watched[2].revents != 0) {
      stop_.request_stop();
      watched[2].fd = -1;
    }
  }
}

}  // namespace tokenwatch::cli

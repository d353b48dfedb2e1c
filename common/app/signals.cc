#include "common/app/signals.h"

#include <cstdint>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "absl/time/time.h"
#include "common/log/log.h"

namespace tokenwatch::common {
namespace {

sigset_t TerminationSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

int OpenSignalFd() {
  const sigset_t signals = TerminationSignals();
  return ::signalfd(-1, &signals, SFD_CLOEXEC);
}

}  // namespace

void BlockTerminationSignals() {
  const sigset_t signals = TerminationSignals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

SignalWaiter::SignalWaiter(std::function<void(int)> on_first)
    : signal_fd_(OpenSignalFd()),
      end_fd_(::eventfd(0, EFD_CLOEXEC)),
      thread_([this, on_first = std::move(on_first)] { Wait(on_first); }) {}

SignalWaiter::~SignalWaiter() {
  ::eventfd_write(end_fd_, 1);
  thread_.join();
  ::close(end_fd_);
  ::close(signal_fd_);
}

void SignalWaiter::Wait(const std::function<void(int)>& on_first) const {
  bool first = true;
  while (true) {
    pollfd waiting[] = {{signal_fd_, POLLIN, 0}, {end_fd_, POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0) continue;
    if (waiting[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signal_fd_, &info, sizeof(info)) != sizeof(info)) continue;
    const int signal = static_cast<int>(info.ssi_signo);
    if (first) {
      first = false;
      on_first(signal);
    } else {
      Log(Severity::kWarning, "second signal, ending at once", {{"signal", signal}});
      FlushLog(absl::Milliseconds(200));
      ::_exit(128 + signal);
    }
  }
}

}  // namespace tokenwatch::common

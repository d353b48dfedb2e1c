#include "common/postgres/socket_watch.h"

#include <sys/socket.h>

#include "absl/time/clock.h"

namespace tokenwatch::common {

SocketWatch& SocketWatch::Instance() {
  static SocketWatch watch;
  return watch;
}

SocketWatch::SocketWatch() : thread_([this] { Run(); }) {}

SocketWatch::~SocketWatch() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

uint64_t SocketWatch::Arm(int socket, absl::Duration after) {
  MutexLock lock(mutex_);
  const absl::Time at = absl::Now() + after;
  const uint64_t key = next_key_++;
  const auto place = watches_.emplace(at, Watch{key, socket});
  by_key_.emplace(key, place);
  // The thread sleeps until the earliest watch; a later one does not concern it yet.
  if (place == watches_.begin()) changed_.NotifyAll();
  return key;
}

void SocketWatch::Disarm(uint64_t key) {
  MutexLock lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  watches_.erase(found->second);
  by_key_.erase(found);
}

void SocketWatch::Run() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    if (watches_.empty()) {
      changed_.Wait(mutex_);
      continue;
    }
    const auto earliest = watches_.begin();
    const absl::Duration left = earliest->first - absl::Now();
    if (left > absl::ZeroDuration()) {
      changed_.WaitFor(mutex_, left);
      continue;
    }
    ::shutdown(earliest->second.socket, SHUT_RDWR);
    by_key_.erase(earliest->second.key);
    watches_.erase(earliest);
  }
}

}  // namespace tokenwatch::common

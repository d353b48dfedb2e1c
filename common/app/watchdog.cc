#include "common/app/watchdog.h"

#include <unistd.h>

#include "absl/time/clock.h"
#include "common/config/exit.h"
#include "common/log/log.h"

namespace tokenwatch::common {

Watchdog::Watchdog(absl::Duration limit) : thread_([this, limit] { Watch(limit); }) {}

Watchdog::~Watchdog() {
  {
    MutexLock lock(mutex_);
    done_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void Watchdog::Enter(const std::string& step) {
  MutexLock lock(mutex_);
  step_ = step;
}

void Watchdog::Watch(absl::Duration limit) {
  const absl::Time end = absl::Now() + limit;
  std::string step;
  {
    MutexLock lock(mutex_);
    while (!done_) {
      const absl::Duration left = end - absl::Now();
      if (left <= absl::ZeroDuration()) break;
      changed_.WaitFor(mutex_, left);
    }
    if (done_) return;
    step = step_;
  }
  Log(Severity::kError, "the drain is stuck, ending the process",
      {{"step", step}, {"limit_seconds", absl::ToDoubleSeconds(limit)}});
  FlushLog(absl::Seconds(1));
  ::_exit(kExitInternal);
}

}  // namespace tokenwatch::common

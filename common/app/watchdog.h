// Ends a process whose ending hangs.
#pragma once

#include <string>
#include <thread>

#include "absl/time/time.h"
#include "common/sync/mutex.h"

namespace tokenwatch::common {

// Thread-safe. From its construction on it allows `limit`; when that has passed it logs the current step and ends the
// process with kExitInternal, without running destructors. Its destruction calls it off.
class Watchdog {
 public:
  explicit Watchdog(absl::Duration limit);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Names what is being done from now on.
  void Enter(const std::string& step);

 private:
  void Watch(absl::Duration limit);

  Mutex mutex_;
  CondVar changed_;
  std::string step_ TW_GUARDED_BY(mutex_) = "begin";
  bool done_ TW_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tokenwatch::common

// A clock that stands still until a test moves it. Thread-safe.
#pragma once

#include "common/sync/mutex.h"
#include "common/time/clock.h"

namespace tokenwatch::common {

class FakeClock final : public Clock {
 public:
  explicit FakeClock(absl::Time start = absl::FromUnixSeconds(1'783'000'000)) : now_(start) {}

  absl::Time Now() override {
    MutexLock lock(mutex_);
    return now_;
  }
  void Advance(absl::Duration by) {
    MutexLock lock(mutex_);
    now_ += by;
  }
  void Set(absl::Time now) {
    MutexLock lock(mutex_);
    now_ = now;
  }

 private:
  Mutex mutex_;
  absl::Time now_ TW_GUARDED_BY(mutex_);
};

}  // namespace tokenwatch::common

// A bounded set of connections shared by the threads of a service.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/postgres/connection.h"
#include "common/postgres/observer.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"

namespace tokenwatch::common {

struct PoolOptions {
  ConnectionOptions connection;
  int max_connections = 8;
  // Callers that may wait for a connection at once; more are refused.
  int max_waiters = 64;
  // A connection that has been idle for longer is asked whether it lives before it is given out.
  absl::Duration ping_after_idle = absl::Seconds(30);
  // Older connections are replaced, so that load follows the hosts and memory held by backends is given back.
  absl::Duration max_age = absl::Hours(1);

  // INVALID_ARGUMENT, naming the field, when a value is out of range.
  absl::Status Validate() const;
};

class Pool;

// A connection on loan; goes back when the lease ends, and is dropped then if it broke. Move-only; one thread at a
// time; must end before the pool does.
class Lease {
 public:
  Lease(Lease&& other) noexcept = default;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease();

  Connection& operator*() const { return *connection_; }
  Connection* operator->() const { return connection_.get(); }
  // Has the connection closed instead of returned, as when its session state is not to be trusted.
  void Discard() { discard_ = true; }

 private:
  friend class Pool;
  Lease(Pool& pool, std::unique_ptr<Connection> connection, absl::Time opened)
      : pool_(&pool), connection_(std::move(connection)), opened_(opened) {}
  void Return();

  Pool* pool_;
  std::unique_ptr<Connection> connection_;
  absl::Time opened_;
  bool discard_ = false;
};

// Thread-safe.
class Pool {
 public:
  // Opens the first connection, so that a wrong address, role or statement fails here and not at first use. Errors as
  // of Connection::Open, or INVALID_ARGUMENT. `observer` and `clock` must outlive the pool.
  static absl::StatusOr<std::unique_ptr<Pool>> Create(const PoolOptions& options, absl::Time deadline,
                                                      PostgresObserver& observer = PostgresObserver::None(),
                                                      Clock& clock = SystemClock::Instance());
  // All leases must have ended.
  ~Pool();

  // A connection: an idle one, else a new one, else the next that is returned. DEADLINE_EXCEEDED when the deadline
  // passes first (at once when it has passed already), RESOURCE_EXHAUSTED at once when too many wait, else errors of
  // Connection::Open.
  absl::StatusOr<Lease> Acquire(absl::Time deadline) TW_EXCLUDES(mutex_);

  struct Counts {
    int open = 0;
    int busy = 0;
    int waiting = 0;
  };
  Counts counts() TW_EXCLUDES(mutex_);

 private:
  friend class Lease;
  struct Idle {
    std::unique_ptr<Connection> connection;
    absl::Time opened;
    absl::Time since;
  };

  Pool(const PoolOptions& options, PostgresObserver& observer, Clock& clock);

  absl::StatusOr<Lease> DoAcquire(absl::Time deadline) TW_EXCLUDES(mutex_);
  // Waits until there is a slot: an idle connection, or an empty one for a connection to be made. Takes it.
  absl::StatusOr<Idle> TakeSlot(absl::Time deadline) TW_EXCLUDES(mutex_);
  bool Usable(Idle& idle, absl::Time deadline);
  void Return(std::unique_ptr<Connection> connection, absl::Time opened, bool discard) TW_EXCLUDES(mutex_);
  void FreeSlot() TW_EXCLUDES(mutex_);
  void Report() TW_REQUIRES(mutex_);

  const PoolOptions options_;
  PostgresObserver& observer_;
  Clock& clock_;

  Mutex mutex_;
  CondVar freed_;
  std::vector<Idle> idle_ TW_GUARDED_BY(mutex_);
  // Slots taken: connections leased or being made.
  int busy_ TW_GUARDED_BY(mutex_) = 0;
  int waiting_ TW_GUARDED_BY(mutex_) = 0;
};

}  // namespace tokenwatch::common

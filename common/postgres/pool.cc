#include "common/postgres/pool.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace tokenwatch::common {
namespace {

constexpr int kMostConnections = 1000;
constexpr int kMostWaiters = 100'000;

}  // namespace

absl::Status PoolOptions::Validate() const {
  if (absl::Status status = connection.Validate(); !status.ok()) return status;
  if (max_connections < 1 || max_connections > kMostConnections) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_connections is ", max_connections, ": use a value from 1 to ", kMostConnections));
  }
  if (max_waiters < 0 || max_waiters > kMostWaiters) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_waiters is ", max_waiters, ": use a value from 0 to ", kMostWaiters));
  }
  return absl::OkStatus();
}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    Return();
    pool_ = other.pool_;
    connection_ = std::move(other.connection_);
    opened_ = other.opened_;
    discard_ = other.discard_;
  }
  return *this;
}

Lease::~Lease() { Return(); }

void Lease::Return() {
  if (connection_ != nullptr) pool_->Return(std::move(connection_), opened_, discard_);
}

absl::StatusOr<std::unique_ptr<Pool>> Pool::Create(const PoolOptions& options, absl::Time deadline,
                                                   PostgresObserver& observer, Clock& clock) {
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  std::unique_ptr<Pool> pool(new Pool(options, observer, clock));
  if (auto first = pool->Acquire(deadline); !first.ok()) return first.status();
  return pool;
}

Pool::Pool(const PoolOptions& options, PostgresObserver& observer, Clock& clock)
    : options_(options), observer_(observer), clock_(clock) {}

Pool::~Pool() = default;

absl::StatusOr<Lease> Pool::Acquire(absl::Time deadline) {
  const absl::Time start = absl::Now();
  absl::StatusOr<Lease> lease = DoAcquire(deadline);
  observer_.OnAcquire(absl::Now() - start, lease.status().code());
  return lease;
}

absl::StatusOr<Lease> Pool::DoAcquire(absl::Time deadline) {
  if (deadline <= clock_.Now()) {
    return absl::DeadlineExceededError("acquire a database connection: the deadline has passed");
  }
  absl::StatusOr<Idle> slot = TakeSlot(deadline);
  if (!slot.ok()) return slot.status();
  if (slot->connection != nullptr && !Usable(*slot, deadline)) slot->connection.reset();
  if (slot->connection == nullptr) {
    auto opened = Connection::Open(options_.connection, deadline, observer_, clock_);
    if (!opened.ok()) {
      FreeSlot();
      return opened.status();
    }
    slot->connection = *std::move(opened);
    slot->opened = clock_.Now();
  }
  return Lease(*this, std::move(slot->connection), slot->opened);
}

absl::StatusOr<Pool::Idle> Pool::TakeSlot(absl::Time deadline) {
  MutexLock lock(mutex_);
  const auto blocked = [this]() TW_REQUIRES(mutex_) { return idle_.empty() && busy_ >= options_.max_connections; };
  if (blocked()) {
    if (waiting_ >= options_.max_waiters) {
      return absl::ResourceExhaustedError(absl::StrCat("acquire a database connection: all ", options_.max_connections,
                                                       " are in use and ", waiting_,
                                                       " callers wait already; try again later"));
    }
    ++waiting_;
    Report();
    const absl::Cleanup leave = [this]() TW_NO_THREAD_SAFETY_ANALYSIS {
      --waiting_;
      Report();
    };
    while (blocked()) {
      const absl::Duration left = deadline - clock_.Now();
      if (left <= absl::ZeroDuration()) {
        // The wake-up this caller may have had belongs to somebody who still has time.
        freed_.NotifyOne();
        return absl::DeadlineExceededError(absl::StrCat("acquire a database connection: all ", options_.max_connections,
                                                        " stayed in use until the deadline"));
      }
      freed_.WaitFor(mutex_, left);
    }
  }
  Idle slot;
  if (!idle_.empty()) {
    // The one used last: its backend's memory is warm, and those that are not needed grow old and are dropped.
    slot = std::move(idle_.back());
    idle_.pop_back();
  }
  ++busy_;
  Report();
  return slot;
}

bool Pool::Usable(Idle& idle, absl::Time deadline) {
  const absl::Time now = clock_.Now();
  if (now - idle.opened > options_.max_age) return false;
  if (!idle.connection->LooksAlive() || now - idle.since > options_.ping_after_idle) {
    return idle.connection->Ping(deadline).ok();
  }
  return true;
}

void Pool::Return(std::unique_ptr<Connection> connection, absl::Time opened, bool discard) {
  if (discard || connection->broken()) {
    connection.reset();
    FreeSlot();
    return;
  }
  MutexLock lock(mutex_);
  idle_.push_back(Idle{std::move(connection), opened, clock_.Now()});
  --busy_;
  freed_.NotifyOne();
  Report();
}

void Pool::FreeSlot() {
  MutexLock lock(mutex_);
  --busy_;
  freed_.NotifyOne();
  Report();
}

void Pool::Report() { observer_.OnPool(static_cast<int>(idle_.size()) + busy_, busy_, waiting_); }

Pool::Counts Pool::counts() {
  MutexLock lock(mutex_);
  return {static_cast<int>(idle_.size()) + busy_, busy_, waiting_};
}

}  // namespace tokenwatch::common

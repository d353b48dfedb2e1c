#include "common/postgres/pool.h"

#include <atomic>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "common/postgres/test_cluster.h"
#include "common/testing/tcp_gate.h"
#include "common/testing/wait_for.h"
#include "common/time/fake_clock.h"

namespace tokenwatch::common {
namespace {

class PoolTest : public PostgresTest {
 protected:
  static PoolOptions Small() {
    PoolOptions options;
    options.connection = Options();
    options.max_connections = 2;
    options.max_waiters = 1;
    return options;
  }
  static std::unique_ptr<Pool> Make(const PoolOptions& options, Clock& clock = SystemClock::Instance()) {
    auto pool = Pool::Create(options, clock.Now() + absl::Seconds(20), PostgresObserver::None(), clock);
    EXPECT_TRUE(pool.ok()) << pool.status();
    return pool.ok() ? *std::move(pool) : nullptr;
  }
};

TEST_F(PoolTest, ReusesConnectionsUpToTheMaximum) {
  const auto pool = Make(Small());
  int pid = 0;
  {
    auto first = pool->Acquire(Soon());
    ASSERT_TRUE(first.ok()) << first.status();
    pid = (*first)->backend_pid();
    auto second = pool->Acquire(Soon());
    ASSERT_TRUE(second.ok()) << second.status();
    EXPECT_NE((*second)->backend_pid(), pid);
    EXPECT_EQ(pool->counts().busy, 2);
  }
  EXPECT_EQ(pool->counts().open, 2);
  EXPECT_EQ(pool->counts().busy, 0);
  auto again = pool->Acquire(Soon());
  EXPECT_EQ((*again)->backend_pid(), pid) << "the one used last comes first";
  EXPECT_EQ(pool->counts().open, 2);
}

TEST_F(PoolTest, RefusesWhatIsLateOrTooMuch) {
  const auto pool = Make(Small());
  EXPECT_EQ(pool->Acquire(In(-absl::Seconds(1))).status().code(), absl::StatusCode::kDeadlineExceeded);
  auto first = pool->Acquire(Soon());
  auto second = pool->Acquire(Soon());
  EXPECT_EQ(pool->Acquire(In(absl::Milliseconds(20))).status().code(), absl::StatusCode::kDeadlineExceeded);

  int waiter_pid = 0;
  std::thread waiter([&] {
    auto lease = pool->Acquire(Soon());
    if (lease.ok()) waiter_pid = (*lease)->backend_pid();
  });
  EXPECT_TRUE(WaitFor([&] { return pool->counts().waiting == 1; }));
  EXPECT_EQ(pool->Acquire(Soon()).status().code(), absl::StatusCode::kResourceExhausted);
  const int freed = (*second)->backend_pid();
  { const Lease end = *std::move(second); }
  waiter.join();
  EXPECT_EQ(waiter_pid, freed);
  EXPECT_EQ(pool->counts().waiting, 0);
}

TEST_F(PoolTest, DropsConnectionsThatBroke) {
  const auto pool = Make(Small());
  {
    auto lease = pool->Acquire(Soon());
    ASSERT_TRUE(lease.ok()) << lease.status();
    KillBackend((*lease)->backend_pid());
    EXPECT_EQ((*lease)->Ping(Soon()).code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_EQ(pool->counts().open, 0);
  {
    auto lease = pool->Acquire(Soon());
    ASSERT_TRUE(lease.ok()) << lease.status();
    EXPECT_TRUE((*lease)->Ping(Soon()).ok());
    lease->Discard();
  }
  EXPECT_EQ(pool->counts().open, 0);
}

TEST_F(PoolTest, ReplacesConnectionsThatDiedWhileIdle) {
  const auto pool = Make(Small());
  int pid = 0;
  { pid = (*pool->Acquire(Soon()))->backend_pid(); }
  KillBackend(pid);
  auto lease = pool->Acquire(Soon());
  ASSERT_TRUE(lease.ok()) << lease.status();
  EXPECT_NE((*lease)->backend_pid(), pid);
  EXPECT_TRUE((*lease)->Ping(Soon()).ok());
  EXPECT_EQ(pool->counts().open, 1);
}

TEST_F(PoolTest, AsksAfterALongRestAndReplacesTheOld) {
  FakeClock clock;
  auto gate = TcpGate::Start(cluster->port());
  ASSERT_TRUE(gate.ok()) << gate.status();
  PoolOptions options = Small();
  options.connection.dsn = cluster->DsnThrough((*gate)->port(), "work", "app");
  const auto pool = Make(options, clock);
  const auto deadline = [&] { return clock.Now() + absl::Seconds(20); };
  const int pid = (*pool->Acquire(deadline()))->backend_pid();
  int64_t before = (*gate)->bytes_passed();
  { EXPECT_EQ((*pool->Acquire(deadline()))->backend_pid(), pid); }
  EXPECT_EQ((*gate)->bytes_passed(), before) << "a connection used just now is not asked";
  clock.Advance(options.ping_after_idle + absl::Seconds(1));
  { EXPECT_EQ((*pool->Acquire(deadline()))->backend_pid(), pid); }
  EXPECT_GT((*gate)->bytes_passed(), before);
  clock.Advance(options.max_age);
  EXPECT_NE((*pool->Acquire(deadline()))->backend_pid(), pid);
}

TEST_F(PoolTest, WorksAgainAfterTheServerWasKilled) {
  const auto pool = Make(Small());
  cluster->KillHard();
  EXPECT_EQ(pool->Acquire(Soon()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(pool->counts().open, 0);
  ASSERT_TRUE(cluster->StartAgain().ok());
  auto lease = pool->Acquire(Soon());
  ASSERT_TRUE(lease.ok()) << lease.status();
  EXPECT_TRUE((*lease)->Ping(Soon()).ok());
}

TEST_F(PoolTest, WorksAgainAfterEachFaultOfTheNetwork) {
  auto gate = TcpGate::Start(cluster->port());
  ASSERT_TRUE(gate.ok()) << gate.status();
  PoolOptions options = Small();
  options.connection.dsn = cluster->DsnThrough((*gate)->port(), "work", "app");
  options.connection.silence_limit = absl::Milliseconds(20);
  const auto pool = Make(options);
  const auto ask = [&](absl::Duration within) {
    auto lease = pool->Acquire(In(within));
    return lease.ok() ? (*lease)->Ping(In(within)) : lease.status();
  };
  const std::vector<std::pair<const char*, std::function<void(TcpGate&)>>> faults = {
      {"closed", [](TcpGate& g) { g.Refuse(); }},
      {"stalled", [](TcpGate& g) { g.Stall(); }},
      {"cut", [](TcpGate& g) { g.CutAfter(10); }},
  };
  for (const auto& [name, fault] : faults) {
    ASSERT_TRUE(ask(absl::Seconds(20)).ok()) << "before " << name;
    fault(**gate);
    EXPECT_FALSE(ask(absl::Milliseconds(50)).ok()) << name;
    (*gate)->Pass();
    EXPECT_TRUE(ask(absl::Seconds(20)).ok()) << "after " << name;
    EXPECT_EQ(pool->counts().busy, 0);
  }
}

TEST_F(PoolTest, ManyThreadsShareIt) {
  PoolOptions options = Small();
  options.max_waiters = 8;
  const auto pool = Make(options);
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 30; ++round) {
        auto lease = pool->Acquire(Soon());
        if (lease.ok() && (*lease)->Ping(Soon()).ok()) ++done;
        // Some leases break, so that slots are freed in both ways.
        if (lease.ok() && round % 10 == 9) lease->Discard();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 180);
  EXPECT_EQ(pool->counts().busy, 0);
  EXPECT_LE(pool->counts().open, 2);
}

TEST_F(PoolTest, OptionsAreChecked) {
  PoolOptions options = Small();
  options.max_connections = 0;
  EXPECT_EQ(Pool::Create(options, Soon()).status().code(), absl::StatusCode::kInvalidArgument);
  options = Small();
  options.max_waiters = -1;
  EXPECT_EQ(Pool::Create(options, Soon()).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tokenwatch::common

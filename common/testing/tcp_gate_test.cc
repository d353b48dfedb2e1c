#include "common/testing/tcp_gate.h"

#include <gtest/gtest.h>
#include <libpq-fe.h>

#include "absl/time/clock.h"
#include "common/testing/pg_cluster.h"
#include "common/testing/wait_for.h"

namespace tokenwatch::common {
namespace {

class TcpGateTest : public ::testing::Test {
 protected:
  using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

  static void SetUpTestSuite() {
    auto started = PgCluster::Start({.fsync = false});
    ASSERT_TRUE(started.ok()) << started.status();
    cluster = std::move(*started).release();
  }
  static void TearDownTestSuite() { delete cluster; }

  void SetUp() override {
    auto started = TcpGate::Start(cluster->port());
    ASSERT_TRUE(started.ok()) << started.status();
    gate_ = *std::move(started);
  }

  Connection Connect() { return {PQconnectdb(cluster->DsnThrough(gate_->port(), "postgres").c_str()), &PQfinish}; }

  // The length of what a query yields, -1 when it fails.
  static int Ask(PGconn* conn, const std::string& sql = "SELECT 1") {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(conn, sql.c_str()), &PQclear);
    return PQresultStatus(result.get()) == PGRES_TUPLES_OK ? PQgetlength(result.get(), 0, 0) : -1;
  }

  // Every fault must be followed by this.
  void ExpectWorks() {
    gate_->Pass();
    EXPECT_EQ(Ask(Connect().get()), 1);
  }

  static inline PgCluster* cluster = nullptr;
  std::unique_ptr<TcpGate> gate_;
};

TEST_F(TcpGateTest, PassesAndCounts) {
  auto conn = Connect();
  EXPECT_EQ(Ask(conn.get(), "SELECT repeat('x', 3000000)"), 3'000'000);
  EXPECT_GT(gate_->bytes_passed(), 3'000'000);
  EXPECT_EQ(gate_->open_connections(), 1);
  conn.reset();
  EXPECT_TRUE(WaitFor([&] { return gate_->open_connections() == 0; }));
}

TEST_F(TcpGateTest, ClosesAll) {
  auto conn = Connect();
  gate_->CloseAll();
  EXPECT_EQ(Ask(conn.get()), -1);
  EXPECT_EQ(PQstatus(conn.get()), CONNECTION_BAD);
  ExpectWorks();
}

TEST_F(TcpGateTest, Refuses) {
  auto conn = Connect();
  gate_->Refuse();
  EXPECT_EQ(Ask(conn.get()), -1);
  EXPECT_EQ(PQstatus(Connect().get()), CONNECTION_BAD);
  ExpectWorks();
}

TEST_F(TcpGateTest, Delays) {
  auto conn = Connect();
  gate_->Delay(absl::Milliseconds(50));
  const absl::Time start = absl::Now();
  EXPECT_EQ(Ask(conn.get()), 1);
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(100));
  ExpectWorks();
}

TEST_F(TcpGateTest, Throttles) {
  auto conn = Connect();
  gate_->Throttle(200'000);
  const absl::Time start = absl::Now();
  EXPECT_EQ(Ask(conn.get(), "SELECT repeat('x', 40000)"), 40'000);
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(150));
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  ExpectWorks();
}

TEST_F(TcpGateTest, CutsInTheMiddle) {
  auto conn = Connect();
  const int64_t before = gate_->bytes_passed();
  gate_->CutAfter(10'000);
  EXPECT_EQ(Ask(conn.get(), "SELECT repeat('x', 40000)"), -1);
  EXPECT_EQ(gate_->bytes_passed() - before, 10'000);
  EXPECT_EQ(Ask(Connect().get()), 1);
}

TEST_F(TcpGateTest, Stalls) {
  auto conn = Connect();
  gate_->Stall();
  ASSERT_EQ(PQsendQuery(conn.get(), "SELECT 1"), 1);
  EXPECT_FALSE(WaitFor(
      [&] {
        PQconsumeInput(conn.get());
        return PQisBusy(conn.get()) == 0;
      },
      absl::Milliseconds(50)));
  gate_->Pass();
  EXPECT_TRUE(WaitFor([&] {
    PQconsumeInput(conn.get());
    return PQisBusy(conn.get()) == 0;
  }));
  ExpectWorks();
}

}  // namespace
}  // namespace tokenwatch::common

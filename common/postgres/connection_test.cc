#include "common/postgres/connection.h"

#include <map>
#include <string>
#include <vector>

#include "common/postgres/test_cluster.h"
#include "common/testing/tcp_gate.h"
#include "common/testing/wait_for.h"

namespace tokenwatch::common {
namespace {

constexpr Statement kAdd{"add", "INSERT INTO numbers VALUES ($1) RETURNING n", absl::Seconds(3)};
constexpr Statement kSleep{"sleep", "SELECT pg_sleep($1)", absl::Milliseconds(20)};
constexpr Statement kTimeout{"timeout", "SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'",
                             absl::Seconds(3)};
constexpr Statement kStatements[] = {kAdd, kSleep, kTimeout};

struct Recorder : PostgresObserver {
  void OnStatement(absl::string_view name, absl::Duration, absl::StatusCode code) override {
    statements.push_back({std::string(name), code});
  }
  void OnConnect(absl::Duration, absl::StatusCode code) override { connects.push_back(code); }
  void OnBroken() override { ++broken; }
  std::vector<std::pair<std::string, absl::StatusCode>> statements;
  std::vector<absl::StatusCode> connects;
  int broken = 0;
};

class ConnectionTest : public PostgresTest {
 protected:
  void SetUp() override {
    Sql("DROP TABLE IF EXISTS app.numbers; CREATE TABLE app.numbers (n int PRIMARY KEY); "
        "ALTER TABLE app.numbers OWNER TO app");
  }
  static ConnectionOptions WithStatements() {
    ConnectionOptions options = Options();
    options.statements = kStatements;
    return options;
  }
};

TEST_F(ConnectionTest, CommitsValuesAndStatusesAndRollsBackErrors) {
  const auto conn = Open(WithStatements());
  const auto returned =
      conn->Transact("add", Soon(), [](Transaction& t) { return t.Exec(kAdd, 1).at(0).at(0).as<int>(); });
  ASSERT_TRUE(returned.ok()) << returned.status();
  EXPECT_EQ(*returned, 1);
  EXPECT_TRUE(conn->Transact("add", Soon(), [](Transaction& t) { t.Exec(kAdd, 2); }).ok());
  EXPECT_EQ(conn->Transact("add", Soon(),
                           [](Transaction& t) -> absl::Status {
                             t.Exec(kAdd, 3);
                             return absl::CancelledError("no more");
                           }),
            absl::CancelledError("no more"));
  EXPECT_FALSE(conn->Transact("add", Soon(),
                              [](Transaction& t) {
                                t.Exec(kAdd, 4);
                                t.Exec(kAdd, 4);
                              })
                   .ok());
  EXPECT_EQ(conn->Query("add", kAdd, Soon(), 5)->size(), 1U);
  EXPECT_EQ(Value("SELECT string_agg(n::text, ',' ORDER BY n) FROM app.numbers"), "1,2,5");
}

TEST_F(ConnectionTest, AnErrorThatWasIgnoredDoesNotPassForACommit) {
  const auto conn = Open(WithStatements());
  const absl::Status status = conn->Transact("add", Soon(), [](Transaction& t) {
    t.Exec(kAdd, 1);
    EXPECT_FALSE(Guard("again", [&] { t.Exec(kAdd, 1); }).ok());
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
  EXPECT_EQ(Value("SELECT count(*) FROM app.numbers"), "0");
  EXPECT_TRUE(conn->Query("add", kAdd, Soon(), 1).ok());
}

TEST_F(ConnectionTest, AWrongStatementFailsAtTheStart) {
  const Statement wrong[] = {kAdd, {"typo", "SELECT * FROM numbrs", absl::Seconds(1)}};
  ConnectionOptions options = Options();
  options.statements = wrong;
  const auto opened = Connection::Open(options, Soon());
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(opened.status().message(), "prepare statement typo: relation \"numbrs\" does not exist");
}

TEST_F(ConnectionTest, OptionsAreChecked) {
  ConnectionOptions options = Options();
  options.statement_timeout = absl::ZeroDuration();
  EXPECT_EQ(Connection::Open(options, Soon()).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ConnectionTest, StatementsEndAtTheirLimitOrTheDeadline) {
  Recorder recorder;
  auto opened = Connection::Open(WithStatements(), Soon(), recorder);
  ASSERT_TRUE(opened.ok()) << opened.status();
  Connection& conn = **opened;
  EXPECT_EQ(conn.Query("sleep", kSleep, Soon(), 10).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(conn.QuerySql("sleep", "SELECT pg_sleep(10)", In(absl::Milliseconds(20))).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(conn.Transact("sleep", Soon(), [](Transaction& t) { t.Exec(kSleep, 10); }).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(conn.Query("sleep", kSleep, In(-absl::Seconds(1)), 0).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(conn.broken());
  using absl::StatusCode;
  EXPECT_EQ(recorder.statements,
            (std::vector<std::pair<std::string, StatusCode>>{{"sleep", StatusCode::kDeadlineExceeded},
                                                             {"sleep", StatusCode::kDeadlineExceeded}}));
  EXPECT_EQ(recorder.connects, std::vector<StatusCode>{StatusCode::kOk});
}

TEST_F(ConnectionTest, ServersTimeoutFollowsTheCaller) {
  const auto conn = Open(WithStatements());
  const auto timeout = [&](absl::Time deadline) { return (*conn->Query("read", kTimeout, deadline))[0][0].as<int>(); };
  EXPECT_EQ(timeout(Soon()), 3000);
  EXPECT_EQ(timeout(In(absl::Milliseconds(900))), 1000);
  EXPECT_EQ(timeout(In(absl::Hours(1))), 3000);
  const auto inside = conn->Transact("read", Soon(), [](Transaction& t) {
    const int before = t.ExecSql(kTimeout.sql)[0][0].as<int>();
    return std::make_pair(before, t.Exec(kTimeout)[0][0].as<int>());
  });
  ASSERT_TRUE(inside.ok()) << inside.status();
  EXPECT_EQ(*inside, std::make_pair(20'000, 3000));
}

TEST_F(ConnectionTest, AKilledBackendBreaksTheConnectionForGood) {
  Recorder recorder;
  auto opened = Connection::Open(WithStatements(), Soon(), recorder);
  ASSERT_TRUE(opened.ok()) << opened.status();
  Connection& conn = **opened;
  ASSERT_TRUE(*conn.TryAdvisoryLock(7, Soon()));
  EXPECT_TRUE(conn.LooksAlive());
  KillBackend(conn.backend_pid());
  EXPECT_FALSE(conn.LooksAlive());
  EXPECT_FALSE(conn.broken()) << "nobody has asked yet";
  EXPECT_EQ(conn.Ping(Soon()).code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(conn.broken());
  EXPECT_EQ(conn.Query("add", kAdd, Soon(), 1).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(conn.Transact("add", Soon(), [](Transaction& t) { t.Exec(kAdd, 1); }).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(recorder.broken, 1);
}

TEST_F(ConnectionTest, AdvisoryLockHasOneHolder) {
  const auto first = Open();
  auto second = Open();
  EXPECT_TRUE(*first->TryAdvisoryLock(42, Soon()));
  EXPECT_FALSE(*second->TryAdvisoryLock(42, Soon()));
  EXPECT_TRUE(*second->TryAdvisoryLock(43, Soon()));
  EXPECT_TRUE(*first->ReleaseAdvisoryLock(42, Soon()));
  EXPECT_TRUE(*second->TryAdvisoryLock(42, Soon()));
  second.reset();
  EXPECT_TRUE(WaitFor([&] { return *first->TryAdvisoryLock(42, Soon()); }));
}

TEST_F(ConnectionTest, ASilentNetworkIsGivenUp) {
  auto gate = TcpGate::Start(cluster->port());
  ASSERT_TRUE(gate.ok()) << gate.status();
  ConnectionOptions options = WithStatements();
  options.dsn = cluster->DsnThrough((*gate)->port(), "work", "app");
  options.silence_limit = absl::Milliseconds(50);
  const auto conn = Open(options);
  (*gate)->Stall();
  const absl::Time start = absl::Now();
  EXPECT_EQ(conn->Ping(In(absl::Milliseconds(50))).code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(conn->broken());
  EXPECT_EQ(Connection::Open(options, In(absl::Milliseconds(50))).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  (*gate)->Pass();
  EXPECT_TRUE(Open(options)->Ping(Soon()).ok());
}

TEST_F(ConnectionTest, ALongTransactionOfShortStatementsIsLeftAlone) {
  ConnectionOptions options = Options();
  options.statement_timeout = absl::Milliseconds(200);
  options.silence_limit = absl::Milliseconds(1);
  const auto conn = Open(options);
  EXPECT_TRUE(conn->Transact("sleep", Soon(),
                             [](Transaction& t) {
                               for (int i = 0; i < 4; ++i) t.ExecSql("SELECT pg_sleep(0.07)");
                             })
                  .ok());
}

TEST_F(ConnectionTest, SaysWhoItIs) {
  const auto conn = Open();
  EXPECT_EQ(Value("SELECT application_name FROM pg_stat_activity WHERE pid = " + std::to_string(conn->backend_pid())),
            "postgres_test");
}

}  // namespace
}  // namespace tokenwatch::common

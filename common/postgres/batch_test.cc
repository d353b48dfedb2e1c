#include "common/postgres/batch.h"

#include <optional>
#include <string>
#include <vector>

#include "common/postgres/connection.h"
#include "common/postgres/test_cluster.h"
#include "common/testing/tcp_gate.h"

namespace tokenwatch::common {
namespace {

constexpr Statement kAdd{"add", "INSERT INTO shelf VALUES ($1, $2) RETURNING n", absl::Seconds(3)};
constexpr Statement kCount{"count", "SELECT n, label FROM shelf", absl::Seconds(3)};
constexpr Statement kEndBackend{"end_backend", "SELECT app.end_backend()", absl::Seconds(3)};
constexpr Statement kSleep{"sleep", "SELECT pg_sleep($1)", absl::Milliseconds(50)};
constexpr Statement kStatements[] = {kAdd, kCount, kEndBackend, kSleep};

using absl::StatusCode;

struct Recorder : PostgresObserver {
  void OnStatement(absl::string_view name, absl::Duration, StatusCode code) override {
    statements.push_back({std::string(name), code});
  }
  void OnBroken() override { ++broken; }
  std::vector<std::pair<std::string, StatusCode>> statements;
  int broken = 0;
};

class BatchTest : public PostgresTest {
 protected:
  void SetUp() override {
    Sql("DROP TABLE IF EXISTS app.shelf; CREATE TABLE app.shelf (n int PRIMARY KEY, label text); "
        "ALTER TABLE app.shelf OWNER TO app; "
        "CREATE OR REPLACE FUNCTION app.end_backend() RETURNS boolean LANGUAGE sql SECURITY DEFINER AS "
        "$$ SELECT pg_terminate_backend(pg_backend_pid()) $$");
    Connect(cluster->Dsn("work", "app"));
  }
  void Connect(const std::string& dsn) {
    ConnectionOptions options = Options();
    options.dsn = dsn;
    options.silence_limit = absl::Milliseconds(50);
    options.statements = kStatements;
    auto opened = Connection::Open(options, Soon(), recorder_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    conn_ = *std::move(opened);
  }
  static std::string Shelf() {
    return Value("SELECT coalesce(string_agg(n || coalesce(label, '-'), ',' ORDER BY n), 'empty') FROM app.shelf");
  }
  // A transaction at the server that was begun by `conn_` and neither committed nor rolled back.
  bool InTransaction() const {
    return Value("SELECT state <> 'idle' FROM pg_stat_activity WHERE pid = " + std::to_string(conn_->backend_pid())) ==
           "t";
  }

  Recorder recorder_;
  std::unique_ptr<Connection> conn_;
};

TEST_F(BatchTest, CommitsAllOfIt) {
  Batch batch;
  batch.Add(kAdd, 1, "one");
  batch.Add(kCount);
  batch.Add(kAdd, uint64_t{2}, std::optional<std::string>());
  batch.Add(kAdd, std::optional<int64_t>(-3), std::string("it's \\ \"that\""));
  EXPECT_TRUE(conn_->TransactBatch("fill", Soon(), batch).ok());
  EXPECT_EQ(Shelf(), "-3it's \\ \"that\",1one,2-");
  EXPECT_EQ(
      recorder_.statements,
      (std::vector<std::pair<std::string, StatusCode>>{
          {"add", StatusCode::kOk}, {"count", StatusCode::kOk}, {"add", StatusCode::kOk}, {"add", StatusCode::kOk}}));
  EXPECT_FALSE(InTransaction());
}

TEST_F(BatchTest, AnErrorUndoesAllOfItAndLeavesTheConnection) {
  Batch batch;
  batch.Add(kAdd, 1, "one");
  batch.Add(kAdd, 1, "again");
  batch.Add(kAdd, 2, "two");
  const absl::Status status = conn_->TransactBatch("fill", Soon(), batch);
  EXPECT_EQ(status.code(), StatusCode::kAlreadyExists) << status;
  EXPECT_EQ(
      status.message(),
      "fill: duplicate key value violates unique constraint \"shelf_pkey\"; DETAIL:  Key (n)=(1) already exists.");
  EXPECT_EQ(Shelf(), "empty");
  EXPECT_EQ(recorder_.statements, (std::vector<std::pair<std::string, StatusCode>>{
                                      {"add", StatusCode::kOk}, {"add", StatusCode::kAlreadyExists}}));
  EXPECT_FALSE(InTransaction());
  EXPECT_FALSE(conn_->broken());
  Batch wrong;
  wrong.Add(kAdd, 1, "one");
  wrong.Add(kAdd, "no number", "two");
  EXPECT_EQ(conn_->TransactBatch("fill", Soon(), wrong).code(), StatusCode::kInvalidArgument);
  Batch good;
  good.Add(kAdd, 1, "one");
  EXPECT_TRUE(conn_->TransactBatch("fill", Soon(), good).ok());
  EXPECT_EQ(Shelf(), "1one");
}

TEST_F(BatchTest, IsPartOfATransaction) {
  Batch batch;
  batch.Add(kAdd, 1, "one");
  batch.Add(kAdd, 2, "two");
  EXPECT_FALSE(conn_
                   ->Transact("fill", Soon(),
                              [&](Transaction& t) -> absl::Status {
                                if (absl::Status status = t.ExecBatch("fill", batch); !status.ok()) return status;
                                return absl::CancelledError("no");
                              })
                   .ok());
  EXPECT_EQ(Shelf(), "empty");
  EXPECT_TRUE(conn_
                  ->Transact("fill", Soon(),
                             [&](Transaction& t) -> absl::Status {
                               if (absl::Status status = t.ExecBatch("fill", batch); !status.ok()) return status;
                               t.Exec(kAdd, 3, "three");
                               return t.ExecBatch("fill", Batch());
                             })
                  .ok());
  EXPECT_EQ(Shelf(), "1one,2two,3three");
  EXPECT_EQ(conn_->Transact("fill", Soon(), [&](Transaction& t) { return t.ExecBatch("fill", batch); }).code(),
            StatusCode::kAlreadyExists);
  EXPECT_TRUE(conn_->Ping(Soon()).ok());
}

TEST_F(BatchTest, OneThatIsLargerThanAllBuffersGoesThrough) {
  Batch batch;
  const std::string label(100'000, 'x');
  for (int i = 0; i < 200; ++i) {
    batch.Add(kAdd, i, label);
    // Answers of as many bytes again, which nobody takes before all is sent.
    if (i % 40 == 0) batch.Add(kCount);
  }
  EXPECT_TRUE(conn_->TransactBatch("fill", Soon(), batch).ok());
  EXPECT_EQ(Value("SELECT count(*) FROM app.shelf"), "200");
}

TEST_F(BatchTest, EndsAtItsLimitOrTheDeadline) {
  Batch batch;
  batch.Add(kAdd, 1, "one");
  batch.Add(kSleep, 10);
  EXPECT_EQ(conn_->TransactBatch("sleep", Soon(), batch).code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(conn_->TransactBatch("sleep", In(-absl::Seconds(1)), batch).code(), StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(conn_->broken());
  EXPECT_EQ(Shelf(), "empty");
}

// Whoever is told UNAVAILABLE may rely on nothing having been written.
TEST_F(BatchTest, ABackendThatEndsBeforeTheCommitIsUnavailable) {
  Batch batch;
  batch.Add(kAdd, 1, "one");
  batch.Add(kEndBackend);
  batch.Add(kAdd, 2, "two");
  const absl::Status status = conn_->TransactBatch("fill", Soon(), batch);
  EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status;
  EXPECT_TRUE(conn_->broken());
  EXPECT_EQ(recorder_.broken, 1);
  EXPECT_EQ(Shelf(), "empty");
  EXPECT_EQ(conn_->TransactBatch("fill", Soon(), batch).code(), StatusCode::kUnavailable);
}

TEST_F(BatchTest, ABackendThatEndedBeforeIsUnavailable) {
  KillBackend(conn_->backend_pid());
  Batch batch;
  batch.Add(kAdd, 1, "one");
  EXPECT_EQ(conn_->TransactBatch("fill", Soon(), batch).code(), StatusCode::kUnavailable);
  EXPECT_TRUE(conn_->broken());
}

TEST_F(BatchTest, ABackendThatEndsInTheCommitIsUnknown) {
  Sql("CREATE OR REPLACE FUNCTION app.die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
      "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$; "
      "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON app.shelf DEFERRABLE INITIALLY DEFERRED "
      "FOR EACH ROW EXECUTE FUNCTION app.die()");
  Batch batch;
  batch.Add(kAdd, 1, "one");
  const absl::Status status = conn_->TransactBatch("fill", Soon(), batch);
  EXPECT_EQ(status.code(), StatusCode::kUnknown) << status;
  EXPECT_TRUE(conn_->broken());
}

TEST_F(BatchTest, ANetworkThatTakesTheAnswersIsUnknown) {
  auto gate = TcpGate::Start(cluster->port());
  ASSERT_TRUE(gate.ok()) << gate.status();
  Connect(cluster->DsnThrough((*gate)->port(), "work", "app"));
  Batch batch;
  batch.Add(kAdd, 1, std::string(1000, 'x'));
  // All that is sent is above, and the answers come after it.
  (*gate)->CutAfter(1100);
  EXPECT_EQ(conn_->TransactBatch("fill", Soon(), batch).code(), StatusCode::kUnknown);
  EXPECT_TRUE(conn_->broken());

  (*gate)->Pass();
  Connect(cluster->DsnThrough((*gate)->port(), "work", "app"));
  // The server's time-out is set already when the network goes.
  constexpr absl::Duration kShort = absl::Milliseconds(200);
  Batch read;
  read.Add(kCount);
  EXPECT_TRUE(conn_->TransactBatch("read", In(kShort), read).ok());
  (*gate)->Stall();
  EXPECT_EQ(conn_->TransactBatch("fill", In(kShort), batch).code(), StatusCode::kUnknown);
  EXPECT_TRUE(conn_->broken());
}

}  // namespace
}  // namespace tokenwatch::common

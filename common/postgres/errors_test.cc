#include "common/postgres/errors.h"

#include <atomic>

#include "common/postgres/test_cluster.h"

namespace tokenwatch::common {
namespace {

std::atomic<int> bugs{0};

class ErrorsTest : public PostgresTest {
 protected:
  void SetUp() override {
    SetPostgresBugHook([](absl::string_view, absl::string_view) { ++bugs; });
    bugs = 0;
    Sql("DROP TABLE IF EXISTS app.child; DROP TABLE IF EXISTS app.parent; "
        "CREATE TABLE app.parent (id int PRIMARY KEY, small int CHECK (small < 10), named text NOT NULL DEFAULT ''); "
        "CREATE TABLE app.child (parent int REFERENCES app.parent, EXCLUDE (parent WITH =)); "
        "INSERT INTO app.parent VALUES (1, 1); ALTER TABLE app.parent OWNER TO app; ALTER TABLE app.child OWNER TO "
        "app; "
        "CREATE TABLE IF NOT EXISTS public.closed (id int)");
  }
  void TearDown() override { SetPostgresBugHook(nullptr); }
};

struct Case {
  const char* sql;
  absl::StatusCode code;
  int bugs = 0;
};

TEST_F(ErrorsTest, EachClassOfServerErrorHasItsCode) {
  using absl::StatusCode;
  const Case cases[] = {
      {"INSERT INTO parent VALUES (1, 1)", StatusCode::kAlreadyExists},
      {"INSERT INTO child VALUES (99)", StatusCode::kFailedPrecondition},
      {"INSERT INTO parent VALUES (2, 20)", StatusCode::kFailedPrecondition},
      {"INSERT INTO parent VALUES (2, 2, NULL)", StatusCode::kFailedPrecondition},
      {"INSERT INTO child VALUES (1), (1)", StatusCode::kFailedPrecondition},
      {"SELECT 1/0", StatusCode::kInvalidArgument},
      {"SELECT 'x'::int", StatusCode::kInvalidArgument},
      {"SELECT E'\\xff'", StatusCode::kInvalidArgument},
      {"DO $$ BEGIN RAISE serialization_failure; END $$", StatusCode::kAborted},
      {"DO $$ BEGIN RAISE deadlock_detected; END $$", StatusCode::kAborted},
      {"SET statement_timeout = 1; SELECT pg_sleep(10)", StatusCode::kDeadlineExceeded},
      {"DO $$ BEGIN RAISE lock_not_available; END $$", StatusCode::kDeadlineExceeded},
      {"DO $$ BEGIN RAISE admin_shutdown; END $$", StatusCode::kUnavailable},
      {"DO $$ BEGIN RAISE cannot_connect_now; END $$", StatusCode::kUnavailable},
      {"DO $$ BEGIN RAISE connection_failure; END $$", StatusCode::kUnavailable},
      {"DO $$ BEGIN RAISE read_only_sql_transaction; END $$", StatusCode::kUnavailable},
      {"DO $$ BEGIN RAISE disk_full; END $$", StatusCode::kResourceExhausted},
      {"DO $$ BEGIN RAISE out_of_memory; END $$", StatusCode::kResourceExhausted},
      {"DO $$ BEGIN RAISE too_many_connections; END $$", StatusCode::kResourceExhausted},
      {"DO $$ BEGIN RAISE statement_completion_unknown; END $$", StatusCode::kUnknown},
      {"SELECT * FROM public.closed", StatusCode::kPermissionDenied},
      {"SELECT * FROM nowhere", StatusCode::kInternal, 1},
      {"SELECT nothing FROM parent", StatusCode::kInternal, 1},
      {"SELECT nothing()", StatusCode::kInternal, 1},
      {"SELEC", StatusCode::kInternal, 1},
      {"DO $$ BEGIN RAISE 'raised'; END $$", StatusCode::kInternal, 1},
  };
  for (const Case& one : cases) {
    const auto conn = Open();
    bugs = 0;
    const absl::Status status = conn->QuerySql("try", one.sql, Soon()).status();
    EXPECT_EQ(status.code(), one.code) << one.sql << ": " << status;
    EXPECT_EQ(bugs, one.bugs) << one.sql;
    EXPECT_FALSE(conn->broken()) << one.sql;
  }
}

TEST_F(ErrorsTest, MessageIsOneLineWithoutSql) {
  const auto conn = Open();
  EXPECT_EQ(conn->QuerySql("read the list", "SELECT 'secret' FROM nowhere", Soon()).status().message(),
            "read the list: relation \"nowhere\" does not exist");
  EXPECT_EQ(conn->QuerySql("add one", "INSERT INTO parent VALUES (1)", Soon()).status().message(),
            "add one: duplicate key value violates unique constraint \"parent_pkey\"; DETAIL:  Key (id)=(1) already "
            "exists.");
}

TEST_F(ErrorsTest, CommitInDoubtIsUnknown) {
  Sql("CREATE OR REPLACE FUNCTION app.die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
      "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$; "
      "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON app.parent DEFERRABLE INITIALLY DEFERRED "
      "FOR EACH ROW EXECUTE FUNCTION app.die()");
  const auto conn = Open();
  const absl::Status status =
      conn->Transact("add", Soon(), [](Transaction& t) { t.ExecSql("INSERT INTO parent VALUES (5)"); });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnknown) << status;
  EXPECT_TRUE(conn->broken());
}

TEST_F(ErrorsTest, MisuseOfTheLibraryIsABug) {
  const auto conn = Open();
  const auto number =
      conn->Transact("read", Soon(), [](Transaction& t) { return t.ExecSql("SELECT 'word'").at(0).at(0).as<int>(); });
  EXPECT_EQ(number.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(bugs, 1);
  EXPECT_EQ(Guard("throw", [] { throw 7; }).code(), absl::StatusCode::kInternal);
  EXPECT_EQ(bugs, 2);
}

TEST_F(ErrorsTest, RefusedConnectionsTellWhy) {
  const auto code = [](const std::string& dsn) {
    ConnectionOptions options = Options();
    options.dsn = dsn;
    return Connection::Open(options, Soon()).status().code();
  };
  EXPECT_EQ(code(cluster->Dsn("nowhere", "app")), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(cluster->Dsn("work", "nobody")), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(cluster->DsnThrough(1, "work", "app")), absl::StatusCode::kUnavailable);
  EXPECT_EQ(code("port=many"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code("nonsense"), absl::StatusCode::kInvalidArgument);
  Sql("ALTER ROLE app CONNECTION LIMIT 0");
  EXPECT_EQ(code(cluster->Dsn("work", "app")), absl::StatusCode::kResourceExhausted);
  Sql("ALTER ROLE app CONNECTION LIMIT -1");
  EXPECT_EQ(bugs, 0);
}

}  // namespace
}  // namespace tokenwatch::common

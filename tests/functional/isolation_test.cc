// The role of one service can do nothing to the tables of the other, nor make anything of its own elsewhere. The
// databases and roles are those of the deployment: made by its own script.
#include <fstream>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include "absl/strings/str_cat.h"
#include "common/testing/wait_for.h"
#include "tests/functional/harness.h"
#include "tests/functional/recordings.h"
#include "tests/functional/tables.h"

namespace tokenwatch::functional {
namespace {

// Insufficient privilege.
constexpr char kDenied[] = "42501";

// The SQLSTATE of a statement run as a role; empty when it succeeds.
std::string StateOf(const std::string& dsn, const std::string& sql) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(dsn.c_str()), &PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) return absl::StrCat("refused: ", PQerrorMessage(connection.get()));
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), sql.c_str()), &PQclear);
  const char* const state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
  return state == nullptr ? "" : state;
}

class IsolationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(platform_.ok());
    for (const char* file : {"detector.password", "resolver.password", "pricing.password"}) {
      std::ofstream(platform_.dir() / file) << "secret\n";
    }
    common::ChildProcess::Options options;
    options.command = {common::PgCluster::BinDir() / "psql",
                       "-q",
                       "-v",
                       "ON_ERROR_STOP=1",
                       "-d",
                       platform_.cluster().Dsn("postgres"),
                       "-f",
                       SourcePath("deploy/local/databases.sql")};
    options.environment = {{"TOKENWATCH_SECRETS", platform_.dir()}};
    options.stderr_file = platform_.dir() / "psql.err";
    const auto code = common::RunProcess(options, absl::Seconds(60));
    ASSERT_TRUE(code.ok()) << code.status();
    ASSERT_EQ(*code, 0) << common::ReadFile(options.stderr_file);
  }
  std::string As(absl::string_view role, const std::string& sql, absl::string_view database = "platform") {
    return StateOf(platform_.cluster().Dsn(database, role), sql);
  }

  Platform platform_;
};

TEST_F(IsolationTest, ARoleCannotTouchTheOtherServicesTables) {
  platform_.Replay(ProgramLogs());
  const Tables before = DumpTables(platform_.cluster(), "platform");
  for (const auto& [table, rows] : before) {
    const std::string name = "detector." + table;
    for (const std::string& sql :
         {"SELECT count(*) FROM " + name, "INSERT INTO " + name + " DEFAULT VALUES", "DELETE FROM " + name,
          "TRUNCATE " + name, "ALTER TABLE " + name + " ADD mine int", "CREATE INDEX ON " + name + " ((1))",
          "BEGIN; LOCK TABLE " + name, "DROP TABLE " + name, "GRANT SELECT ON " + name + " TO resolver"}) {
      EXPECT_EQ(As("resolver", sql), kDenied) << sql;
      EXPECT_EQ(As("pricing", sql), kDenied) << sql;
    }
  }
  EXPECT_EQ(As("resolver", "UPDATE detector.consumers SET cursor = 0"), kDenied);
  EXPECT_EQ(As("resolver", "COPY detector.trades TO STDOUT"), kDenied);
  EXPECT_EQ(As("resolver", "CREATE TABLE detector.mine (id int)"), kDenied);
  EXPECT_EQ(As("resolver", "DROP SCHEMA detector CASCADE"), kDenied);
  EXPECT_EQ(As("resolver", "SET ROLE detector"), kDenied);
  ExpectSameTables(before, DumpTables(platform_.cluster(), "platform"));
}

TEST_F(IsolationTest, NoOtherRoleCanTouchTheTablesOfPrices) {
  const auto pricing =
      platform_.Launch("tokenwatch-pricing", {"--dsn=" + platform_.cluster().Dsn("platform", "pricing"),
                                              "--providers=", "--detector=127.0.0.1:1", "--drain_grace=0s"});
  ASSERT_NE(pricing, nullptr);
  // It has made its tables when it waits for the detector.
  ASSERT_TRUE(common::WaitFor([&] {
    pricing->FindPorts();
    return pricing->grpc_port() != 0;
  })) << pricing->Log();
  EXPECT_EQ(pricing->Terminate(), 0) << pricing->Log();
  const Tables before = DumpTables(platform_.cluster(), "platform", "pricing");
  EXPECT_EQ(before.count("token_prices") + before.count("candles") + before.count("checkpoints"), 3u);
  for (const auto& [table, rows] : before) {
    const std::string name = "pricing." + table;
    for (const std::string& sql : {"SELECT count(*) FROM " + name, "INSERT INTO " + name + " DEFAULT VALUES",
                                   "DELETE FROM " + name, "TRUNCATE " + name, "ALTER TABLE " + name + " ADD mine int",
                                   "BEGIN; LOCK TABLE " + name, "DROP TABLE " + name}) {
      EXPECT_EQ(As("detector", sql), kDenied) << sql;
      EXPECT_EQ(As("resolver", sql), kDenied) << sql;
    }
  }
  EXPECT_EQ(As("detector", "SELECT * FROM pricing.markets"), kDenied);
  EXPECT_EQ(As("resolver", "DROP SCHEMA pricing CASCADE"), kDenied);
  ExpectSameTables(before, DumpTables(platform_.cluster(), "platform", "pricing"));
}

TEST_F(IsolationTest, ARoleCannotMakeAnythingOutsideItsSchema) {
  constexpr absl::string_view kRoles[] = {"detector", "resolver", "pricing"};
  for (const absl::string_view role : kRoles) {
    for (const absl::string_view other : kRoles) {
      if (other == role) continue;
      EXPECT_EQ(As(role, absl::StrCat("CREATE TABLE ", other, ".mine (id int)")), kDenied);
    }
    EXPECT_EQ(As(role, "CREATE TABLE public.mine (id int)"), kDenied);
    EXPECT_EQ(As(role, "CREATE SCHEMA mine"), kDenied);
    EXPECT_EQ(As(role, "CREATE DATABASE mine"), kDenied);
    EXPECT_EQ(As(role, "CREATE ROLE mine"), kDenied);
    for (const absl::string_view database : {"users", "postgres", "template1"}) {
      EXPECT_THAT(As(role, "SELECT 1", database), ::testing::HasSubstr("permission denied for database"));
    }
    // Its own schema is its own.
    EXPECT_EQ(As(role, "CREATE TABLE mine (id int)"), "");
    for (const absl::string_view other : kRoles) {
      if (other == role) continue;
      EXPECT_EQ(As(other, absl::StrCat("SELECT * FROM ", role, ".mine")), kDenied);
    }
    EXPECT_EQ(As(role, "DROP TABLE mine"), "");
  }
}

}  // namespace
}  // namespace tokenwatch::functional

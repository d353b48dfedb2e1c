#include "common/postgres/verify.h"

#include <string>
#include <vector>

#include "common/postgres/test_cluster.h"

namespace tokenwatch::common {
namespace {

class VerifyTest : public PostgresTest {
 protected:
  void SetUp() override {
    Sql("DROP SCHEMA IF EXISTS lib CASCADE; CREATE SCHEMA lib; "
        "CREATE TABLE lib.books (id bigint, title text, price numeric(78,0), seen timestamptz, dropped int) "
        "PARTITION BY RANGE (id); ALTER TABLE lib.books DROP COLUMN dropped; "
        "CREATE TABLE lib.loans (id int); "
        "GRANT USAGE ON SCHEMA lib TO app; GRANT SELECT, INSERT ON lib.books TO app; GRANT ALL ON lib.loans TO app");
    options_.setting = "--dsn";
    options_.target = "the library database";
    tables_ = {
        {"lib.books",
         "ra",
         {{"id", "bigint"}, {"title", "text"}, {"price", "numeric(78,0)"}, {"seen", "timestamp with time zone"}}},
        {"lib.loans", "rawd", {}}};
  }
  std::string Verify(absl::string_view role = "app", absl::string_view database = "work") {
    ConnectionOptions connection = Options();
    connection.dsn = cluster->Dsn(database, role);
    const absl::Status status = VerifyTables(*Open(connection), options_, tables_, Soon());
    if (!status.ok()) {
      EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    }
    return std::string(status.message());
  }

  VerifyOptions options_;
  std::vector<ExpectedTable> tables_;
};

TEST_F(VerifyTest, AcceptsWhatIsRight) {
  options_.database = "work";
  options_.role = "app";
  EXPECT_EQ(Verify(), "");
  tables_.clear();
  EXPECT_EQ(Verify(), "");
}

TEST_F(VerifyTest, NamesTheWrongDatabaseOrRole) {
  options_.database = "library";
  EXPECT_EQ(Verify(), "the database is \"work\" and not \"library\": set --dsn to the library database");
  options_.database = "";
  options_.role = "librarian";
  EXPECT_EQ(Verify(), "the role is \"app\" and not \"librarian\" in database \"work\": set its user in --dsn");
  // Without a table to look for, too.
  tables_.clear();
  EXPECT_NE(Verify(), "");
}

TEST_F(VerifyTest, RefusesASuperuser) {
  EXPECT_EQ(Verify("postgres"),
            "role \"postgres\" is a superuser in database \"work\": set a role with rights on the service's own tables "
            "only in --dsn");
  options_.allow_superuser = true;
  EXPECT_EQ(Verify("postgres"), "");
}

TEST_F(VerifyTest, AMissingTableTellsWhichDatabaseThisIs) {
  Sql("DROP TABLE lib.books");
  EXPECT_EQ(Verify(),
            "table lib.books is missing in database \"work\": set --dsn to the library database, or apply the "
            "migrations if it is that already");
  options_.markers = {{"public.dishes", "the kitchen database"}, {"lib.loans", "the lending database"}};
  EXPECT_EQ(Verify(),
            "table lib.books is missing in database \"work\": the DSN points at the lending database; set --dsn to the "
            "library database");
  EXPECT_EQ(Verify("app", "postgres"),
            "table lib.books is missing in database \"postgres\": set --dsn to the library database, or apply the "
            "migrations if it is that already");
}

TEST_F(VerifyTest, NamesAMissingOrDifferentColumn) {
  Sql("ALTER TABLE lib.books RENAME COLUMN title TO heading");
  EXPECT_EQ(Verify(),
            "column lib.books.title is missing in database \"work\": apply the migrations, or set --dsn to the library "
            "database");
  Sql("ALTER TABLE lib.books DROP COLUMN heading, ADD COLUMN title varchar(9)");
  EXPECT_EQ(
      Verify(),
      "column lib.books.title is character varying(9) and not text in database \"work\": apply the migrations, or "
      "set --dsn to the library database");
}

TEST_F(VerifyTest, NamesAMissingPrivilege) {
  Sql("REVOKE INSERT ON lib.books FROM app");
  EXPECT_EQ(Verify(),
            "role \"app\" may not INSERT on lib.books in database \"work\": run GRANT INSERT ON lib.books TO app");
  Sql("GRANT INSERT ON lib.books TO app; REVOKE DELETE ON lib.loans FROM app");
  EXPECT_EQ(Verify(),
            "role \"app\" may not DELETE on lib.loans in database \"work\": run GRANT DELETE ON lib.loans TO app");
  Sql("REVOKE USAGE ON SCHEMA lib FROM app");
  EXPECT_EQ(Verify(), "role \"app\" may not use schema lib in database \"work\": run GRANT USAGE ON SCHEMA lib TO app");
}

}  // namespace
}  // namespace tokenwatch::common

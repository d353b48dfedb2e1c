#include "common/postgres/inspect.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/postgres/test_cluster.h"
#include "gmock/gmock.h"

namespace tokenwatch::common {
namespace {

using ::testing::HasSubstr;

class InspectTest : public PostgresTest {
 protected:
  void SetUp() override {
    Sql("DROP SCHEMA IF EXISTS lib CASCADE; CREATE SCHEMA lib; "
        "CREATE TABLE lib.books (id bigint) PARTITION BY RANGE (id); "
        "CREATE TABLE lib.books_1 PARTITION OF lib.books FOR VALUES FROM (0) TO (60001); "
        "CREATE TABLE lib.books_2 PARTITION OF lib.books FOR VALUES FROM (60001) TO (1000000); "
        "CREATE TABLE lib.loans (id int); "
        "GRANT USAGE ON SCHEMA lib TO app; GRANT SELECT ON ALL TABLES IN SCHEMA lib TO app; "
        "INSERT INTO lib.loans VALUES (1), (2)");
    options_.setting = "--dsn";
    options_.target = "the library database";
  }
  DatabaseReport Inspect() {
    ConnectionOptions connection = Options();
    connection.dsn = cluster->Dsn("work", "app");
    const auto report = InspectTables(*Open(connection), options_, tables_, Soon());
    EXPECT_TRUE(report.ok()) << report.status();
    return report.value_or(DatabaseReport());
  }
  void Fill(int64_t books) { Sql(absl::StrCat("INSERT INTO lib.books SELECT generate_series(1, ", books, ")")); }

  VerifyOptions options_;
  std::vector<ExpectedTable> tables_ = {{"lib.books", "r", {{"id", "bigint"}}}, {"lib.loans", "r", {}}};
};

TEST_F(InspectTest, CountsAllPartitionsAndSaysWhereItLooked) {
  Fill(kExactRowsLimit);
  const DatabaseReport report = Inspect();
  EXPECT_EQ(report.database, "work");
  EXPECT_EQ(report.role, "app");
  ASSERT_EQ(report.tables.size(), 2u);
  EXPECT_EQ(report.tables[0].name, "lib.books");
  EXPECT_TRUE(report.tables[0].present);
  EXPECT_EQ(report.tables[0].rows, kExactRowsLimit);
  EXPECT_FALSE(report.tables[0].rows_estimated);
  EXPECT_EQ(report.tables[1].rows, 2);
}

TEST_F(InspectTest, EstimatesWhatIsLargeByItsPartitions) {
  Fill(2 * kExactRowsLimit);
  Sql("ANALYZE lib.books");
  const TableReport books = Inspect().tables.at(0);
  EXPECT_TRUE(books.rows_estimated);
  EXPECT_NEAR(static_cast<double>(books.rows), 2.0 * kExactRowsLimit, 0.05 * kExactRowsLimit);
}

// A wrong estimate never says less than was seen.
TEST_F(InspectTest, ALargeTableThatWasNeverAnalyzedHasAtLeastTheLimit) {
  Sql("ALTER TABLE lib.books_1 SET (autovacuum_enabled = off); ALTER TABLE lib.books_2 SET (autovacuum_enabled = off)");
  Fill(2 * kExactRowsLimit);
  const TableReport books = Inspect().tables.at(0);
  EXPECT_TRUE(books.rows_estimated);
  EXPECT_GT(books.rows, kExactRowsLimit);
}

TEST_F(InspectTest, OneTableThatIsWrongDoesNotHideTheOthers) {
  Sql("DROP TABLE lib.books");
  const DatabaseReport report = Inspect();
  ASSERT_EQ(report.tables.size(), 2u);
  EXPECT_FALSE(report.tables[0].present);
  EXPECT_THAT(report.tables[0].problem, HasSubstr("table lib.books is missing in database \"work\""));
  EXPECT_EQ(report.tables[0].rows, 0);
  EXPECT_TRUE(report.tables[1].present);
  EXPECT_EQ(report.tables[1].problem, "");
}

}  // namespace
}  // namespace tokenwatch::common

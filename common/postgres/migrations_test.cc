#include "common/postgres/migrations.h"

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "common/postgres/test_cluster.h"

namespace tokenwatch::common {

// Made from testdata/migrations.
absl::Span<const Migration> TestMigrations();

namespace {

class MigrationsTest : public PostgresTest {
 protected:
  void SetUp() override { Sql("DROP SCHEMA app CASCADE; CREATE SCHEMA app AUTHORIZATION app"); }
  static absl::StatusOr<int> Apply(absl::Span<const Migration> migrations, absl::string_view schema = "app") {
    return ApplyMigrations(*Open(), schema, migrations, Soon());
  }
};

TEST_F(MigrationsTest, EmbeddedFilesAreInOrderAndUnchanged) {
  const auto migrations = TestMigrations();
  ASSERT_EQ(migrations.size(), 3U);
  EXPECT_EQ(migrations[0].file, "V001__shelves.sql");
  EXPECT_EQ(migrations[2].version, 10);
  const char* const source = std::getenv("TOKENWATCH_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run by ctest, or set it to the root of the repository";
  const std::string folder = std::string(source) + "/common/postgres/testdata/migrations/";
  for (const Migration& migration : migrations) {
    EXPECT_EQ(migration.sql, ReadFile(folder + std::string(migration.file)));
  }
}

TEST_F(MigrationsTest, AppliesOnceAndThenAsksOnce) {
  EXPECT_EQ(*Apply(TestMigrations()), 3);
  EXPECT_EQ(Value("SELECT label FROM app.shelves"), "a\\b;c[d]${e}");
  EXPECT_EQ(Value("SELECT string_agg(version || ' ' || file, ', ' ORDER BY version) FROM app.schema_migrations"),
            "1 V001__shelves.sql, 2 V002__boxes.sql, 10 V010__weights.sql");
  const auto conn = Open();
  Sql("REVOKE ALL ON ALL TABLES IN SCHEMA app FROM app; GRANT SELECT ON app.schema_migrations TO app");
  EXPECT_EQ(*ApplyMigrations(*conn, "app", TestMigrations(), Soon()), 0) << "needs no more than to read";
}

TEST_F(MigrationsTest, ContinuesWhereItStopped) {
  EXPECT_EQ(*Apply(TestMigrations().subspan(0, 1)), 1);
  EXPECT_EQ(*Apply(TestMigrations()), 2);
}

TEST_F(MigrationsTest, AnOlderProgramAcceptsANewerDatabase) {
  EXPECT_EQ(*Apply(TestMigrations()), 3);
  EXPECT_EQ(*Apply(TestMigrations().subspan(0, 1)), 0);
}

TEST_F(MigrationsTest, ManyProcessesAtOnceApplyEachOnce) {
  std::atomic<int> applied{0};
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const auto count = Apply(TestMigrations());
      count.ok() ? applied += *count : ++failed;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(applied, 3);
}

TEST_F(MigrationsTest, AChangedFileIsNamed) {
  ASSERT_TRUE(Apply(TestMigrations()).ok());
  std::vector<Migration> changed(TestMigrations().begin(), TestMigrations().end());
  changed[1].sql = "SELECT 1";
  const absl::Status status = Apply(changed).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(),
            "migration V002__boxes.sql of schema app was changed after it had been applied: restore it, and put the "
            "change into a new migration");
}

TEST_F(MigrationsTest, AGapIsNotFilledBehindNewerOnes) {
  const std::vector<Migration> others = {TestMigrations()[0], TestMigrations()[1], {11, "V011__late.sql", "SELECT 1"}};
  ASSERT_TRUE(Apply(others).ok());
  for (const auto& migrations : {TestMigrations(), TestMigrations().subspan(0, 3)}) {
    const absl::Status status = Apply(migrations).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_NE(status.message().find("V010__weights.sql"), absl::string_view::npos) << status;
  }
}

TEST_F(MigrationsTest, AFailureLeavesNothingOfItsFile) {
  const std::vector<Migration> bad = {TestMigrations()[0],
                                      {2, "V002__bad.sql", "CREATE TABLE half (id int); SELECT * FROM nowhere"}};
  const absl::Status status = Apply(bad).status();
  EXPECT_EQ(status.message(), "apply migration V002__bad.sql to schema app: relation \"nowhere\" does not exist");
  EXPECT_EQ(Value("SELECT count(*) FROM pg_tables WHERE schemaname = 'app' AND tablename = 'half'"), "0");
  EXPECT_EQ(Value("SELECT count(*) FROM app.schema_migrations"), "1") << "the one before it stays";
}

TEST_F(MigrationsTest, MakesItsSchemaIfItMay) {
  EXPECT_EQ(Apply(TestMigrations(), "other").status().code(), absl::StatusCode::kPermissionDenied);
  Sql("GRANT CREATE ON DATABASE work TO app");
  EXPECT_EQ(*Apply(TestMigrations(), "other"), 3);
  Sql("REVOKE CREATE ON DATABASE work FROM app; DROP SCHEMA other CASCADE");
}

}  // namespace
}  // namespace tokenwatch::common

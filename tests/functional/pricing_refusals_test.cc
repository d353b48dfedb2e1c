// What is wrong from the start, or goes wrong with the peers of pricing, is said in one clear line; it waits where
// waiting helps, and refuses to serve where it does not.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/testing/tcp_gate.h"
#include "common/testing/wait_for.h"
#include "tests/functional/plain_lines.h"
#include "tests/functional/pricing_bed.h"
#include "tests/functional/recordings.h"
#include "tests/functional/tables.h"

namespace tokenwatch::functional {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int kUsage = 64;
constexpr int kUnavailable = 69;
constexpr int kIo = 74;
constexpr int kConfiguration = 78;

class PricingRefusalsTest : public ::testing::Test {
 protected:
  std::string Dsn(absl::string_view database, absl::string_view role = "pricing") {
    return absl::StrCat("--dsn=", platform_.cluster().Dsn(database, role));
  }
  // The path of a file with this text.
  std::string Written(const std::string& name, const std::string& text) {
    const std::string path = platform_.dir() / name;
    std::ofstream(path) << text;
    return path;
  }
  // The program ends with `code` and one line that holds all of `words`.
  void ExpectRefusal(std::vector<std::string> flags, int code, const std::vector<std::string>& words) {
    const auto pricing = platform_.Launch("tokenwatch-pricing", std::move(flags));
    ASSERT_NE(pricing, nullptr);
    EXPECT_EQ(pricing->process().Wait(absl::Seconds(30)), code) << pricing->Log();
    const std::vector<std::string> lines = PlainLines(pricing->Log());
    ASSERT_EQ(lines.size(), 1u) << pricing->Log();
    EXPECT_THAT(lines[0], StartsWith("pricing: "));
    for (const std::string& word : words) EXPECT_THAT(lines[0], HasSubstr(word));
  }

  Platform platform_;
};

TEST_F(PricingRefusalsTest, MissingOrWrongFlagsAreUsageErrors) {
  ASSERT_TRUE(platform_.ok());
  ExpectRefusal({}, kUsage, {"--dsn_file", "missing"});
  ExpectRefusal({Dsn("platform"), "--nosuch=1"}, kUsage, {"nosuch"});
  ExpectRefusal({Dsn("platform"), "--dsn_file=" + Written("dsn", "x")}, kUsage, {"--dsn", "--dsn_file", "not both"});
  ExpectRefusal({Dsn("platform"), "--flush_interval=0s"}, kUsage, {"flush_interval"});
  ExpectRefusal({Dsn("platform"), "--db_connections=0"}, kUsage, {"db_connections", "0"});
  ExpectRefusal({Dsn("platform"), "--detector="}, kUsage, {"detector"});
}

TEST_F(PricingRefusalsTest, ABadListOfProvidersIsAUsageError) {
  ASSERT_TRUE(platform_.ok());
  ExpectRefusal({Dsn("platform"), "--providers=nosuch"}, kUsage, {"providers", "nosuch", "dexscreener"});
  ExpectRefusal({Dsn("platform"), "--providers=jupiter,jupiter"}, kUsage, {"providers", "jupiter", "twice"});
  ExpectRefusal({Dsn("platform"), "--providers=coinmarketcap"}, kUsage, {"coinmarketcap_key_file", "missing"});
  ExpectRefusal({Dsn("platform"), "--providers=jupiter", "--jupiter_url=ftp://127.0.0.1"}, kUsage, {"jupiter_url"});
  ExpectRefusal({Dsn("platform"), "--providers=jupiter", "--jupiter_budget_per_minute=0"}, kUsage,
                {"jupiter_budget_per_minute", "0"});
}

TEST_F(PricingRefusalsTest, AFileThatCannotBeUsedIsNamed) {
  ASSERT_TRUE(platform_.ok());
  ExpectRefusal({"--dsn_file=/nonexistent/dsn"}, kIo, {"/nonexistent/dsn"});
  const std::vector<std::string> coingecko = {Dsn("platform"), "--providers=coingecko"};
  const auto with_key = [&](const std::string& path) {
    return std::vector<std::string>{coingecko[0], coingecko[1], "--coingecko_key_file=" + path};
  };
  ExpectRefusal(with_key("/nonexistent/key"), kIo, {"coingecko_key_file", "/nonexistent/key"});
  const std::string empty = Written("empty_key", "\n");
  ExpectRefusal(with_key(empty), kUsage, {"coingecko_key_file", empty, "empty"});
  ExpectRefusal({Dsn("platform"), "--reference_file=/nonexistent/references"}, kIo, {"/nonexistent/references"});
  const std::string line =
      R"({"t":1,"feed":"reference","raw":"{\"asset\":\"solana:So11111111111111111111111111111111111111112\",)"
      R"(\"usd\":\"100\",\"source\":\"recorded\"}"})";
  const std::string cut = WriteRecording(platform_.dir() / "references.jsonl.gz", std::vector<std::string>(1000, line));
  std::filesystem::resize_file(cut, std::filesystem::file_size(cut) / 2);
  ExpectRefusal({Dsn("platform"), "--reference_file=" + cut}, kIo, {cut, "damaged or cut"});
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM pg_tables WHERE schemaname = 'pricing'"), 0)
      << "the database was changed before the mistake was told";
}

TEST_F(PricingRefusalsTest, AMistakeIsToldWhileTheDatabaseIsAway) {
  ASSERT_TRUE(platform_.ok());
  const std::string dsn = Dsn("platform");
  ASSERT_TRUE(platform_.cluster().Stop().ok());
  ExpectRefusal({dsn, "--providers=coingecko", "--coingecko_key_file=/nonexistent/key"}, kIo, {"/nonexistent/key"});
  ExpectRefusal({dsn, "--reference_file=/nonexistent/references"}, kIo, {"/nonexistent/references"});
}

TEST_F(PricingRefusalsTest, TheWrongDatabaseIsRefusedAndLeftUntouched) {
  ASSERT_TRUE(platform_.ok());
  // The schema is there, so only the name tells that this is not the place.
  ExpectRefusal({Dsn("platform"), "--expected_database=elsewhere"}, kConfiguration, {"platform", "elsewhere"});
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM pg_tables WHERE schemaname = 'pricing'"), 0);
  // The user database has no schema of this service, which may not make one there.
  ExpectRefusal({Dsn("users")}, kConfiguration, {"\"users\"", "--dsn", "the platform database"});
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM pg_namespace WHERE nspname = 'pricing'", "users"), 0);
}

TEST_F(PricingRefusalsTest, TheWrongRoleIsRefused) {
  ASSERT_TRUE(platform_.ok());
  ExpectRefusal({Dsn("platform", "resolver")}, kConfiguration, {"\"resolver\"", "pricing", "\"platform\""});
  ExpectRefusal({Dsn("platform"), "--expected_role=resolver"}, kConfiguration, {"pricing", "resolver"});
}

TEST_F(PricingRefusalsTest, ABusyPortIsUnavailable) {
  ASSERT_TRUE(platform_.ok());
  // Listens on a port of its own.
  const auto other = common::TcpGate::Start(1);
  ASSERT_TRUE(other.ok()) << other.status();
  const std::string port = absl::StrCat("127.0.0.1:", (*other)->port());
  // The last of equal flags holds.
  ExpectRefusal({Dsn("platform"), "--http_listen=" + port}, kUnavailable, {port});
  ExpectRefusal({Dsn("platform"), "--providers=", "--listen=" + port}, kUnavailable, {port});
}

TEST_F(PricingRefusalsTest, ADatabaseThatIsNotThereYetIsWaitedFor) {
  sim::Options options;
  options.trades = 200;
  options.launches = 5;
  PricingBed bed(Simulate(options));
  ASSERT_TRUE(bed.ok());
  ASSERT_TRUE(bed.platform().cluster().Stop().ok());
  const auto pricing = bed.Launch();
  ASSERT_NE(pricing, nullptr);
  ASSERT_TRUE(common::WaitFor([&] {
    pricing->FindPorts();
    return pricing->Http("/readyz").find("database: ") != std::string::npos;
  }));
  EXPECT_THAT(pricing->Http("/readyz"), HasSubstr(" 503 "));
  EXPECT_THAT(pricing->Http("/healthz"), HasSubstr(" 200 "));
  ASSERT_TRUE(bed.platform().cluster().StartAgain().ok());
  EXPECT_TRUE(bed.platform().AwaitReady(*pricing));
  EXPECT_TRUE(bed.AwaitFolded(*pricing));
}

TEST_F(PricingRefusalsTest, AMissingTableOrColumnIsNamed) {
  sim::Options options;
  options.trades = 500;
  options.launches = 5;
  PricingBed bed(Simulate(options));
  ASSERT_TRUE(bed.ok());
  ASSERT_NO_FATAL_FAILURE(bed.FoldAll());
  common::PgCluster& cluster = bed.platform().cluster();
  const std::string dsn = absl::StrCat("--dsn=", cluster.Dsn("platform", "pricing"));
  const Tables before = DumpTables(cluster, "platform", "pricing");
  for (const auto& [table, column] :
       std::vector<std::pair<std::string, std::string>>{{"token_prices", "cursor"}, {"candles", "packed"}}) {
    const std::string renamed = absl::StrCat("ALTER TABLE pricing.", table, " RENAME ");
    ASSERT_TRUE(cluster.Query("platform", absl::StrCat(renamed, column, " TO gone")).ok());
    ExpectRefusal({dsn}, kConfiguration, {"pricing." + table, column, "\"platform\""});
    ASSERT_TRUE(cluster.Query("platform", absl::StrCat(renamed, "gone TO ", column)).ok());
  }
  for (const std::string table : {"checkpoints", "parked_trades", "reference_prices", "price_requests"}) {
    ASSERT_TRUE(cluster.Query("platform", absl::StrCat("ALTER TABLE pricing.", table, " RENAME TO gone")).ok());
    ExpectRefusal({dsn}, kConfiguration, {"pricing." + table, "missing", "\"platform\""});
    ASSERT_TRUE(cluster.Query("platform", absl::StrCat("ALTER TABLE pricing.gone RENAME TO ", table)).ok());
  }
  ExpectSameTables(before, DumpTables(cluster, "platform", "pricing"));
  ASSERT_NE(bed.Start(), nullptr);
}

TEST_F(PricingRefusalsTest, ADetectorThatIsNotThereIsWaitedForVisibly) {
  ASSERT_TRUE(platform_.ok());
  const auto pricing = platform_.Launch(
      "tokenwatch-pricing", {Dsn("platform"), "--detector=127.0.0.1:1", "--providers=", "--drain_grace=0s"});
  ASSERT_NE(pricing, nullptr);
  EXPECT_TRUE(common::WaitFor([&] {
    pricing->FindPorts();
    return pricing->Http("/readyz").find("detector") != std::string::npos;
  })) << pricing->Log();
  EXPECT_FALSE(pricing->IsReady());
  EXPECT_EQ(pricing->Terminate(), 0) << pricing->Log();
}

TEST_F(PricingRefusalsTest, ALogThatIsShorterThanTheCheckpointIsNotServed) {
  sim::Options options;
  options.trades = 500;
  options.launches = 5;
  PricingBed bed(Simulate(options));
  ASSERT_TRUE(bed.ok());
  ASSERT_NO_FATAL_FAILURE(bed.FoldAll());
  ASSERT_TRUE(
      bed.platform()
          .cluster()
          .Query("platform",
                 "UPDATE pricing.checkpoints SET cursor = cursor + 1000000, redo_cursor = redo_cursor + 1000000")
          .ok());
  const auto pricing = bed.Launch();
  ASSERT_NE(pricing, nullptr);
  // Another log than the one that was folded: whatever it says would be added to what is not its own.
  EXPECT_TRUE(common::WaitFor(
      [&] {
        pricing->FindPorts();
        return pricing->Http("/readyz").find("it is another log") != std::string::npos;
      },
      absl::Seconds(20)))
      << pricing->Http("/readyz") << pricing->Log();
  EXPECT_FALSE(pricing->IsReady());
}

}  // namespace
}  // namespace tokenwatch::functional

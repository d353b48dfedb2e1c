// What is wrong from the start, or goes wrong with the peers of pricing, is said in one clear line; it waits where
// waiting helps, and refuses to serve where it does not.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/testing/wait_for.h"
#include "tests/functional/plain_lines.h"
#include "tests/functional/pricing_bed.h"

namespace tokenwatch::functional {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int kUsage = 64;
constexpr int kConfiguration = 78;

class PricingRefusalsTest : public ::testing::Test {
 protected:
  std::string Dsn(absl::string_view database, absl::string_view role = "pricing") {
    return absl::StrCat("--dsn=", platform_.cluster().Dsn(database, role));
  }
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
  ExpectRefusal({Dsn("platform"), "--providers=nosuch"}, kUsage, {"providers", "nosuch"});
  ExpectRefusal({Dsn("platform"), "--flush_interval=0s"}, kUsage, {"flush_interval"});
}

TEST_F(PricingRefusalsTest, TheWrongDatabaseOrRoleIsRefused) {
  ASSERT_TRUE(platform_.ok());
  ExpectRefusal({Dsn("users")}, kConfiguration, {"\"users\"", "--dsn", "the platform database"});
  ExpectRefusal({Dsn("platform"), "--expected_database=elsewhere"}, kConfiguration, {"platform", "elsewhere"});
  ExpectRefusal({Dsn("platform", "resolver")}, kConfiguration, {"\"resolver\"", "pricing", "\"platform\""});
}

TEST_F(PricingRefusalsTest, AMissingTableOrColumnIsNamed) {
  sim::Options options;
  options.trades = 500;
  options.launches = 5;
  PricingBed bed(Simulate(options));
  ASSERT_TRUE(bed.ok());
  ASSERT_NO_FATAL_FAILURE(bed.FoldAll());
  const std::string dsn = absl::StrCat("--dsn=", bed.platform().cluster().Dsn("platform", "pricing"));
  for (const auto& [table, column] :
       std::vector<std::pair<std::string, std::string>>{{"token_prices", "cursor"}, {"candles", "packed"}}) {
    const std::string renamed = absl::StrCat("ALTER TABLE pricing.", table, " RENAME ");
    ASSERT_TRUE(bed.platform().cluster().Query("platform", renamed + column + " TO gone").ok());
    const auto pricing = bed.platform().Launch("tokenwatch-pricing", {dsn});
    EXPECT_EQ(pricing->process().Wait(absl::Seconds(30)), kConfiguration) << pricing->Log();
    EXPECT_THAT(pricing->Log(), HasSubstr("pricing." + table));
    EXPECT_THAT(pricing->Log(), HasSubstr(column));
    ASSERT_TRUE(bed.platform().cluster().Query("platform", renamed + "gone TO " + column).ok());
  }
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
        return !pricing->process().running() || pricing->Http("/readyz").find("log") != std::string::npos;
      },
      absl::Seconds(20)))
      << pricing->Log();
  EXPECT_FALSE(pricing->IsReady());
}

}  // namespace
}  // namespace tokenwatch::functional

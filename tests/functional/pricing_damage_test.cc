// A disk that is full under the tables of prices: said in one clear line, everything is still served, and nothing is
// lost.
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/testing/wait_for.h"
#include "tests/functional/pricing_bed.h"
#include "tests/functional/small_disk.h"
#include "tests/functional/tables.h"

namespace tokenwatch::functional {
namespace {

Session MakeSession() {
  sim::Options options;
  options.launches = 400;
  options.trades = 20'000;
  options.trades_per_second = 1;
  options.failed_ppm = 0;
  return Simulate(options);
}

TEST(PricingDamageTest, AFullDatabaseDiskLosesNothing) {
  PricingBed bed(MakeSession());
  ASSERT_TRUE(bed.ok());
  Platform& platform = bed.platform();
  common::PgCluster& cluster = platform.cluster();
  SmallDisk disk(platform.dir() / "disk", "32m");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small disk is not permitted here: " << disk.why_not();
  std::filesystem::permissions(platform.dir(), std::filesystem::perms::all);
  ASSERT_TRUE(
      cluster.Query("postgres", absl::StrCat("CREATE TABLESPACE small LOCATION '", disk.path().string(), "'")).ok());
  platform.AddDatabase("small");
  ASSERT_TRUE(cluster.Query("postgres", "ALTER DATABASE small SET TABLESPACE small").ok());
  // Room for the empty tables and little more.
  const int64_t empty = platform.Count("SELECT pg_database_size('small')", "postgres");
  ASSERT_TRUE(disk.Resize(absl::StrCat(empty + 1'500'000))) << std::strerror(errno);

  const auto pricing = bed.Start({"--flush_interval=50ms", "--row_interval=5m"}, "small");
  ASSERT_NE(pricing, nullptr);
  EXPECT_TRUE(
      common::WaitFor([&] { return absl::StrContains(pricing->Log(), "No space left on device"); }, absl::Seconds(30)))
      << pricing->Log();
  EXPECT_TRUE(common::WaitFor([&] { return absl::StrContains(pricing->Http("/readyz"), "database: "); }));
  // What is in memory is served, to the end of the log.
  ASSERT_TRUE(bed.AwaitFolded(*pricing));
  const int64_t head = platform.Count("SELECT trade_cursor FROM detector.log_heads");
  EXPECT_LT(platform.Count("SELECT cursor FROM pricing.checkpoints", "small"), head);

  ASSERT_TRUE(disk.Resize("128m")) << std::strerror(errno);
  EXPECT_TRUE(common::WaitFor([&] { return pricing->IsReady(); }, absl::Seconds(30))) << pricing->Log();
  EXPECT_TRUE(
      common::WaitFor([&] { return platform.Count("SELECT cursor FROM pricing.checkpoints", "small") == head; }));
  EXPECT_EQ(pricing->Terminate(absl::Seconds(60)), 0) << pricing->Log();
  ASSERT_NO_FATAL_FAILURE(bed.FoldAll());
  ExpectSameTables(bed.Outcome(), bed.Outcome("small"));
  ASSERT_TRUE(cluster.Query("postgres", "DROP DATABASE small WITH (FORCE)").ok());
}

}  // namespace
}  // namespace tokenwatch::functional

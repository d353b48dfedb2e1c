// PostgreSQL killed, cut off, delayed and throttled under pricing while it follows a log: each test ends with proof
// that pricing serves and writes again, and that its tables are those of an undisturbed run: nothing lost, nothing
// twice.
#include <cstdio>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "common/testing/wait_for.h"
#include "tests/chaos/pricing_under_fault.h"

namespace tokenwatch::functional {
namespace {

using ::testing::HasSubstr;

class PricingPostgresTest : public PricingUnderFault {
 protected:
  void ExpectUnready(absl::Duration limit = absl::Seconds(10)) {
    // The detector has the same server, and may be the first to be missed.
    std::string ready;
    EXPECT_TRUE(common::WaitFor(
        [&] {
          ready = pricing_->Http("/readyz");
          return absl::StrContains(ready, "database: ");
        },
        limit))
        << ready;
    EXPECT_THAT(ready, HasSubstr(" 503 "));
    EXPECT_THAT(pricing_->Http("/healthz"), HasSubstr(" 200 "));
  }
};

TEST_F(PricingPostgresTest, KilledAndRestarted) {
  for (int i = 0; i < 2; ++i) {
    ExpectUnderWay();
    bed_.platform().cluster().KillHard();
    ExpectUnready();
    ExpectServesFromMemory();
    ASSERT_TRUE(bed_.platform().cluster().StartAgain().ok());
    EXPECT_TRUE(common::WaitFor([&] { return pricing_->IsReady(); }, absl::Seconds(30))) << pricing_->Log();
  }
  ExpectRecovered();
}

TEST_F(PricingPostgresTest, StoppedForAWhile) {
  ExpectUnderWay();
  ASSERT_TRUE(bed_.platform().cluster().Stop().ok());
  ExpectUnready();
  ExpectServesFromMemory();
  ASSERT_TRUE(bed_.platform().cluster().StartAgain().ok());
  ExpectRecovered();
}

TEST_F(PricingPostgresTest, ConnectionsCutAgainAndAgain) {
  for (int i = 0; i < 10; ++i) {
    ExpectUnderWay();
    database_->CloseAll();
    absl::SleepFor(absl::Milliseconds(50));
  }
  ExpectRecovered();
}

TEST_F(PricingPostgresTest, ConnectionsCutInTheMiddleOfAWrite) {
  ExpectUnderWay();
  // Sizes that share no factor with those of rows: cuts fall into staging, merges, commits and answers.
  for (const int64_t bytes : {1'009, 10'007, 30'011, 20'011, 5'003, 211, 17'011, 8'009, 3'001, 40'009}) {
    database_->CutAfter(bytes);
    const int64_t before = database_->bytes_passed();
    EXPECT_TRUE(common::WaitFor([&] { return database_->bytes_passed() >= before + bytes; }, absl::Seconds(20)));
  }
  ExpectRecovered();
}

TEST_F(PricingPostgresTest, ConnectionsRefused) {
  ExpectUnderWay();
  database_->Refuse();
  ExpectUnready();
  ExpectServesFromMemory();
  database_->Pass();
  ExpectRecovered();
}

TEST_F(PricingPostgresTest, Delayed) {
  ExpectUnderWay();
  database_->Delay(absl::Milliseconds(50));
  const uint64_t before = Written();
  absl::SleepFor(absl::Seconds(2));
  EXPECT_TRUE(pricing_->IsReady()) << "slow is not broken: " << pricing_->Http("/readyz");
  EXPECT_TRUE(AwaitWritten(before + 1, absl::Seconds(20))) << "it writes, if slowly";
  database_->Pass();
  ExpectRecovered();
}

TEST_F(PricingPostgresTest, Throttled) {
  ExpectUnderWay();
  database_->Throttle(200'000);
  ExpectRecovered();
}

TEST_F(PricingPostgresTest, SilentThenBack) {
  ExpectUnderWay();
  database_->Stall();
  absl::SleepFor(absl::Seconds(2));
  ExpectServesFromMemory();
  database_->Pass();
  ExpectRecovered();
}

TEST_F(PricingPostgresTest, SilentForGoodOnTheOldConnections) {
  ExpectUnderWay();
  database_->Stall();
  // Longer than any statement may take: the writer must give its connection up and not wait for ever.
  ExpectUnready(absl::Seconds(40));
  ExpectServesFromMemory();
  database_->CloseAll();
  database_->Pass();
  ExpectRecovered();
}

TEST_F(PricingPostgresTest, TermWhileItIsSilentExitsInTimeAndTheLogIsFoldedAgain) {
  ExpectUnderWay();
  database_->Stall();
  // A write is under way, or waits: the end must not wait for it longer than the drain may take.
  absl::SleepFor(absl::Milliseconds(200));
  const absl::Time term = absl::Now();
  EXPECT_EQ(pricing_->Terminate(absl::Seconds(60)), 0) << pricing_->Log();
  const absl::Duration took = absl::Now() - term;
  EXPECT_LE(took, absl::Seconds(15)) << pricing_->Log();
  std::printf("SIGTERM to exit: %s\n", absl::FormatDuration(took).c_str());
  database_->CloseAll();
  database_->Pass();
  ASSERT_NO_FATAL_FAILURE(StartPricing());
  ExpectRecovered();
}

}  // namespace
}  // namespace tokenwatch::functional

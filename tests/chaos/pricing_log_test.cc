// The detector killed, restarted and cut off under pricing while it follows the log: pricing says that it waits,
// answers what it has, and its tables are in the end those of an undisturbed run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "common/testing/wait_for.h"
#include "tests/chaos/pricing_under_fault.h"

namespace tokenwatch::functional {
namespace {

using ::testing::HasSubstr;

class PricingLogTest : public PricingUnderFault {
 protected:
  void ExpectUnready(absl::Duration limit = absl::Seconds(10)) {
    EXPECT_TRUE(common::WaitFor([&] { return !pricing_->IsReady(); }, limit));
    EXPECT_THAT(pricing_->Http("/readyz"), HasSubstr("detector: "));
  }
  void ExpectReadyAgain() {
    EXPECT_TRUE(common::WaitFor([&] { return pricing_->IsReady(); }, absl::Seconds(30)))
        << pricing_->Http("/readyz") << pricing_->Log();
  }
};

TEST_F(PricingLogTest, TheDetectorIsKilledAndRestarted) {
  for (int i = 0; i < 3; ++i) {
    ExpectUnderWay();
    bed_.detector().Kill();
    ExpectUnready();
    ExpectServesFromMemory();
    ASSERT_TRUE(StartDetector());
    pace_->Delay(kSlowPace);
    ExpectReadyAgain();
    // Beyond where it was: the log goes on growing, and is followed.
    EXPECT_TRUE(AwaitWritten(Written() + 1, absl::Seconds(20))) << pricing_->Log();
  }
  ExpectRecovered();
}

TEST_F(PricingLogTest, TheDetectorEndsInOrderAndIsRestarted) {
  ExpectUnderWay();
  EXPECT_EQ(bed_.detector().Terminate(), 0) << bed_.detector().Log();
  ExpectUnready();
  ExpectServesFromMemory();
  ASSERT_TRUE(StartDetector());
  ExpectReadyAgain();
  ExpectRecovered();
}

TEST_F(PricingLogTest, TheStreamIsCutAgainAndAgain) {
  for (int i = 0; i < 10; ++i) {
    ExpectUnderWay();
    log_->CloseAll();
    absl::SleepFor(absl::Milliseconds(50));
  }
  ExpectRecovered();
}

TEST_F(PricingLogTest, TheStreamIsCutInTheMiddleOfMessages) {
  ExpectUnderWay();
  for (const int64_t bytes : {1'009, 10'007, 30'011, 70'001, 5'003, 211, 47'017}) {
    log_->CutAfter(bytes);
    const int64_t before = log_->bytes_passed();
    EXPECT_TRUE(common::WaitFor([&] { return log_->bytes_passed() >= before + bytes; }, absl::Seconds(20)));
  }
  ExpectRecovered();
}

TEST_F(PricingLogTest, ConnectionsRefused) {
  ExpectUnderWay();
  log_->Refuse();
  ExpectUnready();
  ExpectServesFromMemory();
  log_->Pass();
  ExpectRecovered();
}

TEST_F(PricingLogTest, DelayedAndThrottled) {
  ExpectUnderWay();
  log_->Delay(absl::Milliseconds(50));
  absl::SleepFor(absl::Seconds(2));
  EXPECT_TRUE(pricing_->IsReady()) << "slow is not broken: " << pricing_->Http("/readyz");
  log_->Throttle(300'000);
  ExpectRecovered();
}

TEST_F(PricingLogTest, SilentThenBack) {
  ExpectUnderWay();
  log_->Stall();
  // No byte, no reset: only that a question is not answered in time tells.
  ExpectUnready();
  ExpectServesFromMemory();
  log_->Pass();
  ExpectReadyAgain();
  ExpectRecovered();
}

}  // namespace
}  // namespace tokenwatch::functional

#include <gtest/gtest.h>

#include "common/time/backoff.h"
#include "pricing/oracle/gate/breaker.h"
#include "pricing/oracle/gate/credit.h"
#include "pricing/oracle/gate/latency.h"

namespace tokenwatch::pricing {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'783'000'000);
const absl::Time kUnsaid = absl::InfinitePast();

Breaker MakeBreaker(double jitter = 0.5) {
  return Breaker({}, [jitter] { return jitter; });
}
void Fail(Breaker& breaker, absl::Time now, absl::Time retry_at = kUnsaid) {
  ASSERT_TRUE(breaker.MayCall(now, 0));
  breaker.OnCall();
  breaker.OnFailure(now, retry_at);
}
void Succeed(Breaker& breaker, absl::Time now) {
  ASSERT_TRUE(breaker.MayCall(now, 0));
  breaker.OnCall();
  breaker.OnSuccess();
}

TEST(Breaker, OpensOnTheFourthStraightFailureColdAndAfterAnyNumberOfGoodCalls) {
  for (const int good : {0, 1, 30, 1000}) {
    Breaker breaker = MakeBreaker();
    for (int i = 0; i < good; ++i) Succeed(breaker, kNow);
    for (int i = 0; i < 3; ++i) Fail(breaker, kNow);
    EXPECT_EQ(breaker.state(), BreakerState::kClosed) << good;
    Fail(breaker, kNow);
    EXPECT_EQ(breaker.state(), BreakerState::kOpen) << good;
    EXPECT_FALSE(breaker.MayCall(kNow, 0));
  }
}

// Computed by numeric integration of the Beta density.
TEST(Breaker, TheBeliefThatASourceFailsIsTheBetaPosteriors) {
  Breaker breaker = MakeBreaker();
  for (const double belief : {0.513, 0.781, 0.901, 0.954}) {
    breaker.OnFailure(kNow, kUnsaid);
    EXPECT_NEAR(breaker.FailureBelief(), belief, 0.001);
  }
  Breaker good = MakeBreaker();
  for (int i = 0; i < 30; ++i) good.OnSuccess();
  good.OnFailure(kNow, kUnsaid);
  EXPECT_NEAR(good.FailureBelief(), 0.014, 0.001);
}

TEST(Breaker, OpensOnARateOfFailuresThatNeverCome4InARow) {
  Breaker breaker = MakeBreaker();
  int calls = 0;
  // Three of four fail.
  while (breaker.state() == BreakerState::kClosed && calls < 100) {
    ++calls % 4 == 0 ? Succeed(breaker, kNow) : Fail(breaker, kNow);
  }
  EXPECT_EQ(breaker.state(), BreakerState::kOpen);
  EXPECT_LE(calls, 12);
  // One of ten does not.
  Breaker other = MakeBreaker();
  for (int i = 1; i <= 1000; ++i) i % 10 == 0 ? Fail(other, kNow) : Succeed(other, kNow);
  EXPECT_EQ(other.state(), BreakerState::kClosed);
}

TEST(Breaker, StaysOpenTwiceAsLongWithEachFailedProbeUpToACap) {
  Breaker breaker = MakeBreaker(0.999);
  for (int i = 0; i < 4; ++i) Fail(breaker, kNow);
  absl::Time now = kNow;
  for (const int seconds : {1, 2, 4, 8, 16, 32, 60, 60}) {
    EXPECT_NEAR(absl::ToDoubleSeconds(breaker.open_until() - now), seconds, 0.07);
    EXPECT_FALSE(breaker.MayCall(breaker.open_until() - absl::Milliseconds(1), 0));
    now = breaker.open_until();
    EXPECT_FALSE(breaker.MayCall(now, 1)) << "one probe at a time";
    ASSERT_TRUE(breaker.MayCall(now, 0));
    breaker.OnCall();
    EXPECT_EQ(breaker.state(), BreakerState::kHalfOpen);
    EXPECT_FALSE(breaker.MayCall(now, 0)) << "one probe at a time";
    breaker.OnFailure(now, kUnsaid);
  }
  Succeed(breaker, breaker.open_until());
  EXPECT_EQ(breaker.state(), BreakerState::kClosed);
}

TEST(Breaker, TheOpenTimeHasFullJitterAndAFloor) {
  for (const double jitter : {0.0, 0.05, 0.3, 0.9}) {
    Breaker breaker = MakeBreaker(jitter);
    for (int i = 0; i < 4; ++i) Fail(breaker, kNow);
    EXPECT_EQ(breaker.open_until() - kNow, std::max(absl::Seconds(jitter), absl::Milliseconds(100)));
  }
}

TEST(Breaker, RetryAfterWins) {
  Breaker breaker = MakeBreaker();
  for (int i = 0; i < 4; ++i) Fail(breaker, kNow, kNow + absl::Minutes(3));
  EXPECT_EQ(breaker.open_until(), kNow + absl::Minutes(3));
  // A probe that is told to wait leaves it open until then, without doubling.
  breaker.OnCall();
  breaker.OnNeither(kNow + absl::Minutes(3), kNow + absl::Minutes(5));
  EXPECT_EQ(breaker.state(), BreakerState::kOpen);
  EXPECT_EQ(breaker.open_until(), kNow + absl::Minutes(5));
}

TEST(Breaker, ASourceThatFlapsIsNotNewWithItsFirstAnswer) {
  Breaker breaker = MakeBreaker(0.999);
  for (int i = 0; i < 4; ++i) Fail(breaker, kNow);
  Fail(breaker, breaker.open_until());
  absl::Time now = breaker.open_until();
  Succeed(breaker, now);
  for (int i = 0; i < 4; ++i) Fail(breaker, now);
  EXPECT_NEAR(absl::ToDoubleSeconds(breaker.open_until() - now), 4, 0.01);
  now = breaker.open_until();
  for (int i = 0; i < 4; ++i) Succeed(breaker, now);
  for (int i = 0; i < 4; ++i) Fail(breaker, now);
  EXPECT_NEAR(absl::ToDoubleSeconds(breaker.open_until() - now), 1, 0.01);
}

TEST(Breaker, FewerCallsRunAtOnceWhileFailuresAddUp) {
  Breaker breaker = MakeBreaker();
  EXPECT_TRUE(breaker.MayCall(kNow, 3));
  EXPECT_FALSE(breaker.MayCall(kNow, 4));
  Fail(breaker, kNow);
  Fail(breaker, kNow);
  EXPECT_TRUE(breaker.MayCall(kNow, 1));
  EXPECT_FALSE(breaker.MayCall(kNow, 2));
}

TEST(LatencyTracker, TellsTheQuantileOfLateAnswers) {
  LatencyTracker tracker({});
  EXPECT_EQ(tracker.Quantile(kNow), std::nullopt);
  for (int i = 1; i <= 3; ++i) tracker.Add(kNow, absl::Milliseconds(i));
  EXPECT_EQ(tracker.Quantile(kNow), std::nullopt) << "too few";
  for (int i = 4; i <= 100; ++i) tracker.Add(kNow, absl::Milliseconds(i));
  // Of 69 to 100.
  EXPECT_EQ(tracker.Quantile(kNow), absl::Milliseconds(99));
  EXPECT_EQ(tracker.Quantile(kNow + absl::Minutes(2)), std::nullopt) << "too old";
}

TEST(LatencyTracker, CallsThatRunForLongCountBeforeTheyEnd) {
  LatencyTracker tracker({});
  for (int i = 0; i < 28; ++i) tracker.Add(kNow, absl::Milliseconds(100));
  EXPECT_EQ(tracker.Quantile(kNow, {absl::Milliseconds(1), absl::Milliseconds(5)}), absl::Milliseconds(100))
      << "young calls tell nothing";
  const absl::Duration long_running = absl::Seconds(1);
  EXPECT_EQ(tracker.Quantile(kNow, {long_running, long_running, long_running, long_running}), long_running);
  LatencyTracker cold({});
  EXPECT_EQ(cold.Quantile(kNow, {long_running, long_running, long_running, long_running}), long_running);
}

TEST(ExtraCallCredit, IsAShareOfTheOrdinaryCalls) {
  ExtraCallCredit credit(0.1);
  EXPECT_TRUE(credit.TrySpend());
  EXPECT_FALSE(credit.TrySpend());
  int spent = 0;
  for (int i = 0; i < 1000; ++i) {
    credit.Earn();
    if (credit.TrySpend()) ++spent;
  }
  EXPECT_EQ(spent, 100);
  for (int i = 0; i < 1000; ++i) credit.Earn();
  spent = 0;
  while (credit.TrySpend()) ++spent;
  EXPECT_EQ(spent, 10) << "a burst is bounded";
}

}  // namespace
}  // namespace tokenwatch::pricing

#include "pricing/loops/request_loop.h"

#include <memory>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/testing/wait_for.h"
#include "pricing/loops/loop_world_for_test.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::HasSubstr;

class RequestLoopTest : public ::testing::Test, public PriceRequestListener {
 protected:
  void OnRequests(absl::Span<const PriceRequest> requests) override {
    common::MutexLock lock(mutex_);
    told_.insert(told_.end(), requests.begin(), requests.end());
  }
  void Ask(const std::string& id, uint64_t token, absl::Duration lifetime = absl::Hours(24)) {
    PriceRequest request;
    request.request_id = id;
    request.token = TestToken(token);
    request.state = RequestState::kWaiting;
    request.created_at = request.next_attempt_at = world_.clock.Now();
    request.expires_at = world_.clock.Now() + lifetime;
    ASSERT_TRUE(world_.store.AddRequest(request, absl::InfiniteFuture()).ok());
  }
  PriceRequest Get(const std::string& id) { return *world_.store.GetRequest(id, absl::InfiniteFuture()); }
  void Step() { ASSERT_TRUE(loop_.Step({}).ok()); }
  size_t told() {
    common::MutexLock lock(mutex_);
    return told_.size();
  }

  LoopWorld loops_;
  World& world_ = loops_.world;
  RequestLoop loop_{loops_.context(), world_.view, *this, [] { return 0.5; }};
  common::Mutex mutex_;
  std::vector<PriceRequest> told_ TW_GUARDED_BY(mutex_);
};

TEST_F(RequestLoopTest, ATokenInMemoryAsksNobody) {
  world_.Add(TestToken(1), absl::Seconds(50), 30'000'000'000, 1'000'000);
  world_.Fold();
  Ask("a", 1);
  Step();
  const PriceRequest answered = Get("a");
  EXPECT_EQ(answered.state, RequestState::kAnswered);
  ASSERT_TRUE(answered.price.has_value());
  EXPECT_EQ(answered.price->basis, Basis::kReserves);
  EXPECT_TRUE(world_.oracle.questions().empty());
  EXPECT_EQ(told(), 1u);
}

TEST_F(RequestLoopTest, ASourceAnswers) {
  world_.oracle.Set(TestToken(2), "dexscreener", 1.5, world_.clock.Now());
  Ask("a", 2);
  Step();
  const PriceRequest answered = Get("a");
  EXPECT_EQ(answered.state, RequestState::kAnswered);
  ASSERT_TRUE(answered.price.has_value());
  EXPECT_EQ(answered.price->basis, Basis::kOracle);
  EXPECT_EQ(answered.price->usd, 1.5);
  EXPECT_EQ(answered.attempts, 1);
}

TEST_F(RequestLoopTest, AnOldPriceIsBetterThanNone) {
  world_.Add(TestToken(3), absl::Seconds(50), 30'000'000'000, 1'000'000);
  world_.Fold();
  world_.clock.Advance(absl::Hours(1));
  Ask("a", 3);
  Step();
  const PriceRequest answered = Get("a");
  EXPECT_EQ(answered.state, RequestState::kAnswered);
  EXPECT_EQ(answered.price->grade, Grade::kC);
  EXPECT_EQ(world_.oracle.questions().size(), 1u) << "sources were asked first";
}

TEST_F(RequestLoopTest, WhatNobodyKnowsIsAskedAgainLessAndLessOften) {
  Ask("a", 4);
  absl::Duration pause;
  for (int attempt = 1; attempt <= 10; ++attempt) {
    Step();
    const PriceRequest waiting = Get("a");
    EXPECT_EQ(waiting.state, RequestState::kWaiting);
    EXPECT_EQ(waiting.attempts, attempt);
    EXPECT_NE(waiting.reason, "");
    pause = waiting.next_attempt_at - world_.clock.Now();
    // Half of the bound, as the test's random number has it.
    EXPECT_EQ(pause, std::min(absl::Seconds(2.5) * (1 << (attempt - 1)), absl::Minutes(5)));
    Step();
    EXPECT_EQ(Get("a").attempts, attempt) << "it is not due";
    world_.clock.Set(waiting.next_attempt_at);
  }
  EXPECT_EQ(pause, absl::Minutes(5));
}

TEST_F(RequestLoopTest, ARequestExpiresOnTimeWithAReason) {
  Ask("a", 5, absl::Seconds(3));
  Step();
  EXPECT_EQ(Get("a").state, RequestState::kWaiting);
  world_.clock.Advance(absl::Seconds(2.5));
  Step();
  EXPECT_EQ(Get("a").next_attempt_at, Get("a").expires_at) << "not later than its end";
  world_.clock.Advance(absl::Seconds(0.5));
  Step();
  const PriceRequest expired = Get("a");
  EXPECT_EQ(expired.state, RequestState::kExpired);
  EXPECT_THAT(expired.reason, HasSubstr("expired after 2 attempts"));
  EXPECT_FALSE(expired.price.has_value());
  EXPECT_EQ(told(), 3u);
}

TEST_F(RequestLoopTest, AFailureOfTheDatabaseIsToldAndNothingIsLost) {
  Ask("a", 6);
  world_.store.Fail(absl::UnavailableError("away"));
  EXPECT_FALSE(loop_.Step({}).ok());
  EXPECT_THAT(loops_.NotReady("database"), HasSubstr("away"));
  world_.store.Fail(absl::OkStatus());
  world_.oracle.Set(TestToken(6), "dexscreener", 2, world_.clock.Now());
  Step();
  EXPECT_EQ(Get("a").state, RequestState::kAnswered);
}

TEST_F(RequestLoopTest, ANewRequestIsLookedAtWhenWoken) {
  std::jthread thread([this](const std::stop_token& stop) { loop_.Run(stop); });
  world_.oracle.Set(TestToken(7), "dexscreener", 2, world_.clock.Now());
  Ask("a", 7);
  loop_.Wake();
  EXPECT_TRUE(common::WaitFor([&] { return told() == 1; }));
}

}  // namespace
}  // namespace tokenwatch::pricing

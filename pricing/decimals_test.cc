#include "pricing/decimals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/sync/mutex.h"
#include "common/testing/wait_for.h"
#include "common/time/fake_clock.h"
#include "pricing/testing/world.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::Optional;

class DecimalsTest : public ::testing::Test {
 protected:
  DecimalsBook Make(const DecimalsBook::Options& options = {}) {
    return DecimalsBook(
        options, [this](auto tokens, absl::Time deadline) { return log_.GetDecimals(tokens, deadline); }, executor_,
        clock_);
  }

  common::FakeClock clock_;
  FakeLog log_;
  common::Executor executor_{{.name = "test", .threads = 1, .queue_capacity = 10}};
};

TEST_F(DecimalsTest, AMissIsKnownTheNextTime) {
  log_.SetDecimals(TestToken(1), 9);
  DecimalsBook book = Make();
  EXPECT_EQ(book.Find(TestToken(1)), std::nullopt) << "never waits";
  EXPECT_TRUE(common::WaitFor([&] { return book.Find(TestToken(1)).has_value(); }));
  EXPECT_THAT(book.Find(TestToken(1)), Optional(9));
  EXPECT_EQ(log_.lookups(), 1);
}

TEST_F(DecimalsTest, WhatTheRegistryDoesNotKnowIsAskedAgainLater) {
  DecimalsBook book = Make();
  EXPECT_EQ(book.Find(TestToken(1)), std::nullopt);
  ASSERT_TRUE(common::WaitFor([&] { return log_.lookups() == 1; }));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(book.Find(TestToken(1)), std::nullopt);
  EXPECT_THAT(book.Fetch(TestToken(1), absl::InfiniteFuture()).value(), std::nullopt);
  EXPECT_EQ(log_.lookups(), 1) << "not for each price";
  log_.SetDecimals(TestToken(1), 0);
  clock_.Advance(absl::Minutes(1));
  EXPECT_THAT(book.Fetch(TestToken(1), absl::InfiniteFuture()).value(), Optional(0));
}

TEST_F(DecimalsTest, FetchAsksAtOnceAndTellsErrors) {
  log_.SetDecimals(TestToken(1), 6);
  DecimalsBook book = Make();
  EXPECT_THAT(book.Fetch(TestToken(1), absl::InfiniteFuture()).value(), Optional(6));
  log_.Fail(absl::UnavailableError("gone"));
  EXPECT_EQ(book.Fetch(TestToken(2), absl::InfiniteFuture()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(book.Fetch(TestToken(1), absl::InfiniteFuture()).value(), Optional(6)) << "what is known stays so";
}

TEST_F(DecimalsTest, IsBoundedAndForgetsTheLongestRemembered) {
  DecimalsBook book = Make({.capacity = 10});
  for (uint64_t i = 0; i < 25; ++i) {
    log_.SetDecimals(TestToken(i), 6);
    EXPECT_THAT(book.Fetch(TestToken(i), absl::InfiniteFuture()).value(), Optional(6));
  }
  const int lookups = log_.lookups();
  EXPECT_THAT(book.Fetch(TestToken(24), absl::InfiniteFuture()).value(), Optional(6));
  EXPECT_EQ(log_.lookups(), lookups);
  EXPECT_THAT(book.Fetch(TestToken(3), absl::InfiniteFuture()).value(), Optional(6));
  EXPECT_EQ(log_.lookups(), lookups + 1) << "forgotten and asked for again";
}

TEST_F(DecimalsTest, EndsWhileALookupWaitsForItsTurn) {
  common::Mutex gate;
  gate.Lock();
  EXPECT_TRUE(executor_.TrySubmit([&gate] { common::MutexLock lock(gate); }));
  {
    DecimalsBook book = Make();
    EXPECT_EQ(book.Find(TestToken(1)), std::nullopt);
  }
  gate.Unlock();
  EXPECT_TRUE(executor_.Drain(absl::Seconds(10)));
  EXPECT_EQ(log_.lookups(), 0) << "the lookup that came too late asked nobody";
}

}  // namespace
}  // namespace tokenwatch::pricing

#include "pricing/fold/held_point.h"

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace tokenwatch::pricing {
namespace {

constexpr char kSignature[] =
    "5hk8YzxPqVnRc3oWmTgJ5hk8YzxPqVnRc3oWmTgJ5hk8YzxPqVnRc3oWmTgJ5hk8YzxPqVnRc3oWmTgJ5hk8YzxP";
constexpr char kMost[] = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

PricePoint SomePoint() {
  PricePoint point;
  point.ratio = {30'000'000'000, uint64_t{1'073'000'000'000'000}};
  point.from_reserves = true;
  // To the nanosecond.
  point.at = {absl::FromUnixNanos(1'783'000'000'123'456'789), 77};
  point.transaction = *chain::TransactionId::FromCanonical(kSignature);
  point.venue = Word("pump-amm");
  point.pool_quote = chain::Amount(29'000'000'000);
  return point;
}

void ExpectKept(const PricePoint& point) {
  const HeldPoint held(point);
  ASSERT_TRUE(held.has_value());
  EXPECT_TRUE(*held == point);
  EXPECT_EQ(held.ratio(), point.ratio);
  EXPECT_EQ(held.at(), point.at);
  EXPECT_EQ(held->transaction.text(), point.transaction.text());
}

TEST(HeldPointTest, GivesBackWhatItWasMadeOf) {
  ExpectKept(SomePoint());
  ExpectKept(PricePoint());
  const chain::Amount most = *chain::Amount::Parse(kMost);
  for (int wide = 0; wide < 8; ++wide) {
    PricePoint point = SomePoint();
    if ((wide & 1) != 0) point.ratio.quote_units = most;
    if ((wide & 2) != 0) point.ratio.token_units = most;
    if ((wide & 4) != 0) point.pool_quote = most;
    ExpectKept(point);
    point.pool_quote.reset();
    ExpectKept(point);
  }
  PricePoint longest = SomePoint();
  longest.venue = Word("a-venue-of-23-letters-x");
  longest.from_reserves = false;
  longest.is_mayhem = true;
  longest.at.event_time = absl::InfinitePast();
  ExpectKept(longest);
  longest.transaction = chain::TransactionId();
  longest.venue = Word();
  ExpectKept(longest);
}

TEST(HeldPointTest, IsEqualByValue) {
  const HeldPoint held(SomePoint());
  EXPECT_TRUE(held == HeldPoint(SomePoint()));
  EXPECT_TRUE(HeldPoint() == HeldPoint(std::nullopt));
  EXPECT_FALSE(held == HeldPoint());
  EXPECT_FALSE(HeldPoint() == held);
  PricePoint other = SomePoint();
  other.is_mayhem = true;
  EXPECT_FALSE(held == HeldPoint(other));
}

TEST(HeldPointTest, CopiesShareAndOutliveEachOther) {
  HeldPoint first(SomePoint());
  HeldPoint second = first;
  EXPECT_TRUE(second.shares_with(first));
  EXPECT_FALSE(HeldPoint(SomePoint()).shares_with(first));
  EXPECT_LT(first.memory(), sizeof(PricePoint) * 2 / 3);
  first = std::nullopt;
  EXPECT_FALSE(first.has_value());
  EXPECT_EQ(first.memory(), 0u);
  EXPECT_TRUE(*second == SomePoint());
  const HeldPoint third = std::move(second);
  EXPECT_TRUE(*third == SomePoint());
}

TEST(HeldPointTest, CopiesInManyThreads) {
  const HeldPoint held(SomePoint());
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&wrong, mine = held] {
      for (int round = 0; round < 2000; ++round) {
        HeldPoint copy = mine;
        if (copy.at().cursor != 77) ++wrong;
        copy = std::nullopt;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace tokenwatch::pricing

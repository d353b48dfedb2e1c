#include "resolver/cascade/negative_cache.h"

#include <array>

#include <gtest/gtest.h>

namespace tokenwatch::resolver {
namespace {

TokenRef Token(uint8_t number) {
  std::array<uint8_t, 32> bytes{};
  bytes[0] = number;
  return {chain::Chain::kSolana, chain::Address::FromSolanaBytes(bytes)};
}

const absl::Time kNow = absl::FromUnixSeconds(1'783'000'000);

TEST(NegativeCache, DoublesUpToTheCap) {
  NegativeCache cache({.capacity = 10, .initial = absl::Minutes(1), .cap = absl::Hours(1)});
  EXPECT_EQ(cache.Until(0, Token(1), kNow), std::nullopt);
  absl::Time now = kNow;
  for (const int minutes : {1, 2, 4, 8, 16, 32, 60, 60}) {
    const absl::Time until = cache.Record(0, Token(1), now);
    EXPECT_EQ(until - now, absl::Minutes(minutes));
    EXPECT_EQ(cache.Until(0, Token(1), now), until);
    EXPECT_EQ(cache.Until(0, Token(1), until), std::nullopt);
    now = until;
  }
}

TEST(NegativeCache, KeepsSourcesAndTokensApart) {
  NegativeCache cache({});
  cache.Record(0, Token(1), kNow);
  EXPECT_EQ(cache.Until(1, Token(1), kNow), std::nullopt);
  EXPECT_EQ(cache.Until(0, Token(2), kNow), std::nullopt);
  cache.Record(1, Token(1), kNow);
  cache.Forget(2, Token(1));
  EXPECT_EQ(cache.Until(0, Token(1), kNow), std::nullopt);
  EXPECT_EQ(cache.Until(1, Token(1), kNow), std::nullopt);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(NegativeCache, ForgetsTheOldestWhenFull) {
  NegativeCache cache({.capacity = 2, .initial = absl::Minutes(1), .cap = absl::Hours(1)});
  cache.Record(0, Token(1), kNow);
  cache.Record(0, Token(2), kNow);
  cache.Record(0, Token(1), kNow);  // now the younger one
  cache.Record(0, Token(3), kNow);
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.evicted(), 1u);
  EXPECT_TRUE(cache.Until(0, Token(1), kNow).has_value());
  EXPECT_FALSE(cache.Until(0, Token(2), kNow).has_value());
}

}  // namespace
}  // namespace tokenwatch::resolver

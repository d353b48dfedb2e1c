#include "common/cache/negative_cache.h"

#include <string>

#include <gtest/gtest.h>

namespace tokenwatch::common {
namespace {

using Cache = NegativeCache<std::string>;

const absl::Time kNow = absl::FromUnixSeconds(1'783'000'000);

TEST(NegativeCache, DoublesUpToTheCap) {
  Cache cache({.capacity = 10, .initial = absl::Minutes(1), .cap = absl::Hours(1)});
  EXPECT_EQ(cache.Until(0, "a", kNow), std::nullopt);
  absl::Time now = kNow;
  for (const int minutes : {1, 2, 4, 8, 16, 32, 60, 60}) {
    const absl::Time until = cache.Record(0, "a", now);
    EXPECT_EQ(until - now, absl::Minutes(minutes));
    EXPECT_EQ(cache.Until(0, "a", now), until);
    EXPECT_EQ(cache.Until(0, "a", until), std::nullopt);
    now = until;
  }
}

TEST(NegativeCache, KeepsSourcesAndKeysApart) {
  Cache cache({});
  cache.Record(0, "a", kNow);
  EXPECT_EQ(cache.Until(1, "a", kNow), std::nullopt);
  EXPECT_EQ(cache.Until(0, "b", kNow), std::nullopt);
  cache.Record(1, "a", kNow);
  cache.ForgetOne(0, "a");
  EXPECT_EQ(cache.Until(0, "a", kNow), std::nullopt);
  EXPECT_TRUE(cache.Until(1, "a", kNow).has_value());
  cache.Record(0, "a", kNow);
  cache.Forget(2, "a");
  EXPECT_EQ(cache.Until(0, "a", kNow), std::nullopt);
  EXPECT_EQ(cache.Until(1, "a", kNow), std::nullopt);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(NegativeCache, ForgetsTheOldestWhenFull) {
  Cache cache({.capacity = 2, .initial = absl::Minutes(1), .cap = absl::Hours(1)});
  cache.Record(0, "a", kNow);
  cache.Record(0, "b", kNow);
  cache.Record(0, "a", kNow);  // now the younger one
  cache.Record(0, "c", kNow);
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.evicted(), 1u);
  EXPECT_TRUE(cache.Until(0, "a", kNow).has_value());
  EXPECT_FALSE(cache.Until(0, "b", kNow).has_value());
}

}  // namespace
}  // namespace tokenwatch::common

#include "common/http/rate_headers.h"

#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'783'000'000);

TEST(RateHeadersTest, RetryAfterInSecondsAndAsDate) {
  EXPECT_EQ(ParseRetryAfter("120", kNow), kNow + absl::Seconds(120));
  EXPECT_EQ(ParseRetryAfter(" 0.5 ", kNow), kNow + absl::Milliseconds(500));
  EXPECT_EQ(ParseRetryAfter("Wed, 21 Oct 2015 07:28:00 GMT", kNow), absl::FromUnixSeconds(1'445'412'480));
  EXPECT_EQ(ParseRetryAfter("soon", kNow), std::nullopt);
  EXPECT_EQ(ParseRetryAfter("-1", kNow), std::nullopt);
  EXPECT_EQ(ParseRetryAfter("nan", kNow), std::nullopt);
  EXPECT_EQ(ParseRetryAfter("1e99", kNow), kNow + absl::Seconds(1e9));
}

TEST(RateHeadersTest, ResetComesInFourForms) {
  for (const char* text : {"60", "1783000060", "1783000060000"}) {
    EXPECT_EQ(ParseRateHeaders({{"X-RateLimit-Reset", text}}, kNow).reset_at, kNow + absl::Seconds(60)) << text;
  }
  EXPECT_EQ(ParseRateHeaders({{"X-RateLimit-Reset", "1"}, {"X-RateLimit-Reset-After", "1.25"}}, kNow).reset_at,
            kNow + absl::Milliseconds(1250));
}

TEST(RateHeadersTest, Spellings) {
  for (const char* prefix : {"x-ratelimit-", "RateLimit-", "X-Rate-Limit-"}) {
    HttpHeaders headers;
    headers.Add(std::string(prefix) + "limit", "15");
    headers.Add(std::string(prefix) + "remaining", "4");
    const RateHeaders said = ParseRateHeaders(headers, kNow);
    EXPECT_EQ(said.limit, 15) << prefix;
    EXPECT_EQ(said.remaining, 4) << prefix;
    EXPECT_EQ(said.window, std::nullopt) << prefix;
  }
}

TEST(RateHeadersTest, DraftsOfTheIetf) {
  const RateHeaders newer =
      ParseRateHeaders({{"RateLimit", "\"default\";r=50;t=30"}, {"RateLimit-Policy", "\"default\";q=100;w=60"}}, kNow);
  EXPECT_EQ(newer.limit, 100);
  EXPECT_EQ(newer.window, absl::Seconds(60));
  EXPECT_EQ(newer.remaining, 50);
  EXPECT_EQ(newer.reset_at, kNow + absl::Seconds(30));
  const RateHeaders older = ParseRateHeaders({{"RateLimit", "limit=10, remaining=9, reset=4"}}, kNow);
  EXPECT_EQ(older.limit, 10);
  EXPECT_EQ(older.remaining, 9);
  EXPECT_EQ(older.reset_at, kNow + absl::Seconds(4));
  const RateHeaders oldest = ParseRateHeaders({{"RateLimit-Limit", "100;w=60"}}, kNow);
  EXPECT_EQ(oldest.limit, 100);
  EXPECT_EQ(oldest.window, absl::Seconds(60));
  const RateHeaders several = ParseRateHeaders({{"RateLimit-Limit", "10, 10;w=1, 100;w=60"}}, kNow);
  EXPECT_EQ(several.limit, 10);
  EXPECT_EQ(several.window, std::nullopt);
}

TEST(RateHeadersTest, NonsenseIsLeftOut) {
  const RateHeaders said = ParseRateHeaders({{"x-ratelimit-limit", "many"},
                                             {"x-ratelimit-remaining", "-4"},
                                             {"x-ratelimit-reset", "1e400"},
                                             {"ratelimit-policy", ";;w=;q="},
                                             {"ratelimit", "=;r=;t=x"},
                                             {"retry-after", ""}},
                                            kNow);
  EXPECT_FALSE(said.limit || said.window || said.remaining || said.reset_at || said.retry_at);
}

}  // namespace
}  // namespace tokenwatch::common

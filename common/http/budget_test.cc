#include "common/http/budget.h"

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/time/fake_clock.h"
#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

constexpr absl::Duration kTick = absl::Nanoseconds(1);

RateBudgetOptions Exact(std::int64_t requests, absl::Duration window) {
  return {.requests = requests, .window = window, .margin = absl::ZeroDuration()};
}

HttpHeaders RetryAfter(int seconds) { return {{"Retry-After", absl::StrCat(seconds)}}; }

// The most grants in any half-open span of `window`.
int Busiest(const std::vector<absl::Time>& grants, absl::Duration window) {
  int most = 0;
  std::size_t first = 0;
  for (std::size_t last = 0; last < grants.size(); ++last) {
    while (grants[first] + window <= grants[last]) ++first;
    most = std::max(most, static_cast<int>(last - first + 1));
  }
  return most;
}

TEST(RateBudgetTest, GrantsTheLimitThenNamesTheTime) {
  FakeClock clock;
  RateBudget budget(Exact(3, absl::Seconds(10)), clock);
  const absl::Time start = clock.Now();
  EXPECT_TRUE(budget.TryTake().granted);
  clock.Advance(absl::Seconds(4));
  EXPECT_TRUE(budget.TryTake(2).granted);
  const RateGrant refused = budget.TryTake();
  EXPECT_FALSE(refused.granted);
  EXPECT_EQ(refused.retry_at, start + absl::Seconds(10));
  EXPECT_EQ(budget.TryTake(2).retry_at, start + absl::Seconds(14));
  EXPECT_EQ(budget.TryTake(4).retry_at, absl::InfiniteFuture());
  clock.Set(refused.retry_at - kTick);
  EXPECT_FALSE(budget.TryTake().granted);
  clock.Set(refused.retry_at);
  EXPECT_TRUE(budget.TryTake().granted);
  EXPECT_FALSE(budget.TryTake().granted);
}

TEST(RateBudgetTest, MarginLengthensTheWindow) {
  FakeClock clock;
  RateBudget budget({.requests = 1, .window = absl::Seconds(1), .margin = absl::Milliseconds(100)}, clock);
  const absl::Time start = clock.Now();
  EXPECT_TRUE(budget.TryTake().granted);
  EXPECT_EQ(budget.TryTake().retry_at, start + absl::Milliseconds(1100));
}

TEST(RateBudgetTest, RefusalClosesUntilTheTimeItNames) {
  FakeClock clock;
  RateBudget budget(Exact(100, absl::Minutes(1)), clock);
  const absl::Time sent = clock.Now();
  ASSERT_TRUE(budget.TryTake().granted);
  budget.Observe(429, RetryAfter(30), sent);
  EXPECT_EQ(budget.TryTake().retry_at, sent + absl::Seconds(30));
  EXPECT_EQ(budget.state().closed_until, sent + absl::Seconds(30));
  // A shorter one does not open it again.
  budget.Observe(429, RetryAfter(5), sent);
  EXPECT_EQ(budget.TryTake().retry_at, sent + absl::Seconds(30));
  clock.Set(sent + absl::Seconds(30));
  EXPECT_TRUE(budget.TryTake().granted);
  budget.Observe(503, RetryAfter(7), clock.Now());
  EXPECT_EQ(budget.TryTake().retry_at, clock.Now() + absl::Seconds(7));
  clock.Advance(absl::Seconds(7));
  budget.Observe(503, {}, clock.Now());
  EXPECT_TRUE(budget.TryTake().granted);
}

TEST(RateBudgetTest, GuessesDoubleOncePerBurstAndEndWithAnAnswer) {
  FakeClock clock;
  RateBudgetOptions options = Exact(100, absl::Minutes(1));
  options.guess_initial = absl::Seconds(5);
  options.guess_cap = absl::Seconds(12);
  RateBudget budget(options, clock);
  for (const int seconds : {5, 10, 12, 12}) {
    const absl::Time sent = clock.Now();
    ASSERT_TRUE(budget.TryTake(3).granted);
    clock.Advance(absl::Seconds(1));
    for (int i = 0; i < 3; ++i) budget.Observe(429, {}, sent);
    EXPECT_EQ(budget.TryTake().retry_at, clock.Now() + absl::Seconds(seconds));
    clock.Advance(absl::Seconds(seconds));
  }
  budget.Observe(200, {}, clock.Now());
  budget.Observe(429, RetryAfter(0), clock.Now());
  EXPECT_EQ(budget.TryTake().retry_at, clock.Now() + absl::Seconds(5));
}

TEST(RateBudgetTest, RemainingCapsUntilReset) {
  FakeClock clock;
  RateBudget budget(Exact(100, absl::Minutes(1)), clock);
  const absl::Time sent = clock.Now();
  ASSERT_TRUE(budget.TryTake(1).granted);
  clock.Advance(kTick);
  // Two more are under way when the answer to the first comes, and are not in its count.
  ASSERT_TRUE(budget.TryTake(2).granted);
  budget.Observe(200, {{"x-ratelimit-remaining", "3"}, {"x-ratelimit-reset", "20"}}, sent);
  EXPECT_EQ(budget.state().remaining, 1);
  EXPECT_TRUE(budget.TryTake().granted);
  EXPECT_EQ(budget.TryTake().retry_at, sent + kTick + absl::Seconds(20));
  // A late answer with a higher count of the same window changes nothing.
  budget.Observe(200, {{"x-ratelimit-remaining", "50"}, {"x-ratelimit-reset", "20"}}, clock.Now());
  EXPECT_FALSE(budget.TryTake().granted);
  clock.Advance(absl::Seconds(20));
  EXPECT_TRUE(budget.TryTake().granted);
  EXPECT_FALSE(budget.state().remaining.has_value());
}

TEST(RateBudgetTest, LiveLimitsAreBelieved) {
  FakeClock clock;
  RateBudget budget(Exact(60, absl::Minutes(1)), clock);
  budget.Observe(200, {{"X-RateLimit-Limit", "30"}}, clock.Now());
  EXPECT_EQ(budget.state().limit, 30);
  budget.Observe(200, {{"X-RateLimit-Limit", "1000"}}, clock.Now());
  EXPECT_EQ(budget.state().limit, 30) << "a higher limit may be of a longer window";
  budget.Observe(200, {{"X-RateLimit-Limit", "1000"}, {"X-RateLimit-Remaining", "990"}, {"X-RateLimit-Reset", "3600"}},
                 clock.Now());
  EXPECT_EQ(budget.state().limit, 30);
  clock.Advance(absl::Hours(1));
  budget.Observe(200, {{"X-RateLimit-Limit", "300"}, {"X-RateLimit-Remaining", "290"}, {"X-RateLimit-Reset", "60"}},
                 clock.Now());
  EXPECT_EQ(budget.state().limit, 300);
  budget.Observe(200, {{"RateLimit-Policy", "\"default\";q=10;w=1"}}, clock.Now());
  EXPECT_EQ(budget.state().limit, 10);
  EXPECT_EQ(budget.state().window, absl::Seconds(1));
}

TEST(RateBudgetTest, StateSurvivesARestart) {
  FakeClock clock;
  RateBudget before(Exact(5, absl::Minutes(1)), clock);
  ASSERT_TRUE(before.TryTake(4).granted);
  before.Observe(429, RetryAfter(10), clock.Now());
  const absl::Time start = clock.Now();
  RateBudget after(Exact(5, absl::Minutes(1)), clock);
  after.Restore(before.state());
  EXPECT_EQ(after.TryTake().retry_at, start + absl::Seconds(10));
  clock.Advance(absl::Seconds(10));
  EXPECT_TRUE(after.TryTake().granted);
  EXPECT_EQ(after.TryTake().retry_at, start + absl::Minutes(1));
  EXPECT_EQ(after.state().used, 5);
}

TEST(RateBudgetTest, ClockThatStepsBackGrantsNothingMore) {
  FakeClock clock;
  RateBudget budget(Exact(1, absl::Minutes(1)), clock);
  const absl::Time start = clock.Now();
  ASSERT_TRUE(budget.TryTake().granted);
  clock.Set(start - absl::Hours(1));
  EXPECT_EQ(budget.TryTake().retry_at, start + absl::Minutes(1));
}

TEST(RateBudgetTest, MemoryIsBoundedAndStillExactEnough) {
  FakeClock clock;
  RateBudget budget(Exact(20'000, absl::Seconds(60)), clock);
  std::vector<absl::Time> grants;
  for (int i = 0; i < 100'000; ++i) {
    clock.Advance(absl::Milliseconds(1));
    if (budget.TryTake().granted) grants.push_back(clock.Now());
  }
  EXPECT_LE(Busiest(grants, absl::Seconds(60)), 20'000);
  EXPECT_GE(grants.size(), 20'000u);
}

// A server that counts arrivals in a sliding window of its own, and refuses with Retry-After.
class Upstream {
 public:
  Upstream(int limit, absl::Duration window) : limit_(limit), window_(window) {}

  // Status, and headers of the kind the server has.
  std::pair<int, HttpHeaders> Arrive(absl::Time now, bool tells_counts, bool random_refusal, int retry_after_s) {
    while (!arrivals_.empty() && arrivals_.front() + window_ <= now) arrivals_.pop_front();
    if (random_refusal) return {429, RetryAfter(retry_after_s)};
    if (static_cast<int>(arrivals_.size()) >= limit_) {
      ++exceeded;
      return {429, RetryAfter(1 + static_cast<int>(absl::ToInt64Seconds(arrivals_.front() + window_ - now)))};
    }
    arrivals_.push_back(now);
    HttpHeaders headers;
    if (tells_counts) {
      headers.Add("x-ratelimit-limit", absl::StrCat(limit_));
      headers.Add("x-ratelimit-remaining", absl::StrCat(limit_ - arrivals_.size()));
      headers.Add("x-ratelimit-reset", absl::StrCat(absl::ToUnixSeconds(arrivals_.front() + window_) + 1));
    }
    return {200, headers};
  }

  int exceeded = 0;

 private:
  const int limit_;
  const absl::Duration window_;
  std::deque<absl::Time> arrivals_;
};

struct RunResult {
  std::vector<absl::Time> grants;
  int exceeded = 0;
  int refusals = 0;
};

// Ten minutes of a client that asks whenever it is told it may, against a server that refuses some at random; answers
// come late and out of order. Checks that nothing is granted while closed.
RunResult SimulateTenMinutes(std::uint32_t seed, int configured, int real_limit, bool tells_counts) {
  std::mt19937 random(seed);
  const auto draw = [&random](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  FakeClock clock;
  RateBudget budget({.requests = configured, .window = absl::Minutes(1), .margin = absl::Milliseconds(250)}, clock);
  Upstream upstream(real_limit, absl::Minutes(1));
  struct Answer {
    absl::Time at;
    absl::Time sent;
    int status;
    HttpHeaders headers;
  };
  std::vector<Answer> under_way;
  RunResult result;
  const absl::Time end = clock.Now() + absl::Minutes(10);
  while (clock.Now() < end) {
    clock.Advance(absl::Milliseconds(1 + draw(200)));
    const absl::Time now = clock.Now();
    for (auto it = under_way.begin(); it != under_way.end();) {
      if (it->at > now) {
        ++it;
        continue;
      }
      budget.Observe(it->status, it->headers, it->sent);
      it = under_way.erase(it);
    }
    const absl::Time closed_until = budget.state().closed_until;
    for (int burst = draw(8); burst > 0; --burst) {
      if (!budget.TryTake().granted) break;
      EXPECT_GE(now, closed_until);
      result.grants.push_back(now);
      auto [status, headers] = upstream.Arrive(now, tells_counts, draw(100) == 0, 1 + draw(10));
      result.refusals += status == 429;
      under_way.push_back({now + absl::Milliseconds(draw(2000)), now, status, headers});
    }
  }
  result.exceeded = upstream.exceeded;
  return result;
}

TEST(RateBudgetTest, NeverMoreThanTheLimitInAnyWindowOverTenMinutes) {
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    const RunResult result = SimulateTenMinutes(seed, /*configured=*/60, /*real_limit=*/60, seed % 2 == 0);
    EXPECT_LE(Busiest(result.grants, absl::Minutes(1)), 60) << "seed " << seed;
    EXPECT_EQ(result.exceeded, 0) << "seed " << seed;
    EXPECT_GT(result.refusals, 0) << "seed " << seed;
    // The budget is used, not just kept.
    EXPECT_GE(result.grants.size(), 400u) << "seed " << seed;
  }
}

TEST(RateBudgetTest, ALiveLimitBelowTheConfiguredOneHoldsFromItsFirstMention) {
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    const RunResult result = SimulateTenMinutes(seed, /*configured=*/300, /*real_limit=*/60, /*tells_counts=*/true);
    // Before the first answer arrives (2 s) nothing is known; afterwards the headers keep it within.
    std::vector<absl::Time> later;
    for (const absl::Time grant : result.grants) {
      if (grant > result.grants.front() + absl::Minutes(1) + absl::Seconds(2)) later.push_back(grant);
    }
    EXPECT_LE(Busiest(later, absl::Minutes(1)), 60) << "seed " << seed;
    EXPECT_GE(later.size(), 300u) << "seed " << seed;
  }
}

}  // namespace
}  // namespace tokenwatch::common

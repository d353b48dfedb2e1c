#include "common/http/upstream.h"

#include <gtest/gtest.h>

#include "common/time/fake_clock.h"

namespace tokenwatch::common {
namespace {

absl::StatusOr<HttpResponse> Status(int code) {
  HttpResponse response;
  response.status_code = code;
  return response;
}

TEST(OutcomeOf, ErrorsAndStatusesHaveTheirMeaning) {
  EXPECT_EQ(OutcomeOf(absl::DeadlineExceededError("")), UpstreamOutcome::kTimeout);
  EXPECT_EQ(OutcomeOf(absl::UnavailableError("")), UpstreamOutcome::kUnavailable);
  EXPECT_EQ(OutcomeOf(absl::CancelledError("")), UpstreamOutcome::kUnavailable);
  EXPECT_EQ(OutcomeOf(absl::ResourceExhaustedError("")), UpstreamOutcome::kUnusable);
  EXPECT_EQ(OutcomeOf(absl::PermissionDeniedError("")), UpstreamOutcome::kRefused);
  EXPECT_EQ(OutcomeOf(absl::InvalidArgumentError("")), UpstreamOutcome::kRefused);
  EXPECT_EQ(OutcomeOf(absl::FailedPreconditionError("")), UpstreamOutcome::kRefused);
  EXPECT_EQ(OutcomeOf(Status(200)), UpstreamOutcome::kAnswered);
  EXPECT_EQ(OutcomeOf(Status(204)), UpstreamOutcome::kRefused) << "nobody asks for an answer without a body";
  EXPECT_EQ(OutcomeOf(Status(302)), UpstreamOutcome::kRefused);
  EXPECT_EQ(OutcomeOf(Status(403)), UpstreamOutcome::kRefused);
  EXPECT_EQ(OutcomeOf(Status(404)), UpstreamOutcome::kNotFound);
  EXPECT_EQ(OutcomeOf(Status(408)), UpstreamOutcome::kTimeout);
  EXPECT_EQ(OutcomeOf(Status(429)), UpstreamOutcome::kRateLimited);
  EXPECT_EQ(OutcomeOf(Status(500)), UpstreamOutcome::kUnavailable);
  EXPECT_EQ(OutcomeOf(Status(504)), UpstreamOutcome::kTimeout);
  EXPECT_EQ(DetailOf(Status(503)), "HTTP 503");
  EXPECT_EQ(DetailOf(Status(200)), "");
  EXPECT_EQ(DetailOf(absl::UnavailableError("no connection")), "no connection");
}

TEST(Upstream, IsClosedByWhomeverSaysSoForLongest) {
  FakeClock clock;
  Upstream upstream({.requests = 2}, clock);
  ASSERT_TRUE(upstream.TryTake().granted);
  upstream.CloseUntil(clock.Now() + absl::Seconds(10));
  upstream.CloseUntil(clock.Now() + absl::Seconds(5));
  const RateGrant closed = upstream.TryTake();
  EXPECT_FALSE(closed.granted);
  EXPECT_EQ(closed.retry_at, clock.Now() + absl::Seconds(10));
  EXPECT_EQ(upstream.budget().remaining, 0);
  EXPECT_EQ(upstream.budget().closed_until, closed.retry_at);

  upstream.Observe(429, {{"Retry-After", "30"}}, clock.Now());
  EXPECT_EQ(upstream.budget().closed_until, clock.Now() + absl::Seconds(30));
  clock.Advance(absl::Seconds(30));
  EXPECT_EQ(upstream.budget().closed_until, absl::InfinitePast());
  EXPECT_EQ(upstream.budget().remaining, 1);
  EXPECT_TRUE(upstream.TryTake().granted);
  EXPECT_FALSE(upstream.TryTake().granted);
}

TEST(Upstream, ContinuesWhereAnEarlierRunStopped) {
  FakeClock clock;
  Upstream upstream({.requests = 2}, clock);
  ASSERT_TRUE(upstream.TryTake().granted);
  ASSERT_TRUE(upstream.TryTake().granted);
  Upstream restarted({.requests = 2}, clock);
  restarted.Restore(upstream.budget());
  EXPECT_FALSE(restarted.TryTake().granted);
  clock.Advance(absl::Minutes(2));
  EXPECT_TRUE(restarted.TryTake().granted);
}

TEST(Upstream, ACountOfTheServersBelowWhatWasGrantedSinceIsZeroAndNotLess) {
  FakeClock clock;
  Upstream upstream({.requests = 10}, clock);
  const absl::Time sent_at = clock.Now();
  ASSERT_TRUE(upstream.TryTake().granted);
  clock.Advance(absl::Seconds(1));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(upstream.TryTake().granted);
  upstream.Observe(200, {{"x-ratelimit-remaining", "1"}, {"x-ratelimit-reset", "20"}}, sent_at);
  EXPECT_EQ(upstream.budget().remaining, 0);
  EXPECT_FALSE(upstream.TryTake().granted);
}

}  // namespace
}  // namespace tokenwatch::common

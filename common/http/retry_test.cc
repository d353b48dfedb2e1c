#include "common/http/retry.h"

#include <string>
#include <vector>

#include "common/time/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

using ::testing::ElementsAre;

HttpResponse Answer(int status, HttpHeaders headers = {}) {
  HttpResponse response;
  response.status_code = status;
  response.headers = std::move(headers);
  return response;
}

// Runs FetchWithRetry over scripted results; waits are recorded and move the clock.
class RetryTest : public ::testing::Test {
 protected:
  absl::StatusOr<HttpResponse> Run(std::vector<absl::StatusOr<HttpResponse>> results, RetryPolicy how,
                                   absl::Time deadline = absl::InfiniteFuture()) {
    HttpRequest request;
    request.deadline = deadline;
    waits.clear();
    attempts = 0;
    return FetchWithRetry(
        request, how, [] { return 0.5; }, clock,
        [&](HttpRequest) { return results.at(static_cast<std::size_t>(attempts++)); },
        [&](absl::Duration wait) {
          waits.push_back(wait);
          clock.Advance(wait);
          return !stopped;
        });
  }

  FakeClock clock;
  RetryPolicy policy = {.max_attempts = 4, .backoff = {.initial = absl::Seconds(1), .cap = absl::Seconds(30)}};
  std::vector<absl::Duration> waits;
  int attempts = 0;
  bool stopped = false;
};

TEST_F(RetryTest, RetriesTransientFailuresWithBackoff) {
  const auto result = Run({absl::UnavailableError("lost"), Answer(502), Answer(200)}, policy);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->status_code, 200);
  EXPECT_THAT(waits, ElementsAre(absl::Milliseconds(500), absl::Seconds(1)));
}

TEST_F(RetryTest, FinalResultsAreHandedBackAtOnce) {
  EXPECT_EQ(Run({Answer(404)}, policy)->status_code, 404);
  EXPECT_EQ(Run({absl::PermissionDeniedError("guard")}, policy).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Run({absl::ResourceExhaustedError("large")}, policy).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(attempts, 1);
}

TEST_F(RetryTest, AttemptsAreBounded) {
  EXPECT_EQ(Run({Answer(500), Answer(500), Answer(500), Answer(503)}, policy)->status_code, 503);
  EXPECT_EQ(attempts, 4);
}

TEST_F(RetryTest, RetryAfterIsObeyed) {
  EXPECT_EQ(Run({Answer(429, {{"Retry-After", "7"}}), Answer(200)}, policy)->status_code, 200);
  EXPECT_THAT(waits, ElementsAre(absl::Seconds(7)));
  EXPECT_EQ(Run({Answer(429, {{"Retry-After", "3600"}})}, policy)->status_code, 429);
  EXPECT_EQ(attempts, 1);
}

TEST_F(RetryTest, NothingStartsPastTheTotalOrTheDeadline) {
  policy.total = absl::Seconds(1);
  EXPECT_EQ(Run({Answer(500), Answer(503)}, policy)->status_code, 503);
  policy.total = absl::Hours(1);
  EXPECT_EQ(Run({Answer(500)}, policy, clock.Now() + absl::Milliseconds(400))->status_code, 500);
}

TEST_F(RetryTest, StopsWhenTheCallerStops) {
  stopped = true;
  EXPECT_EQ(Run({Answer(500)}, policy)->status_code, 500);
}

}  // namespace
}  // namespace tokenwatch::common

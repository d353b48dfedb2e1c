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
  absl::StatusOr<HttpResponse> Run(std::vector<absl::StatusOr<HttpResponse>> results, const RetryPolicy& how,
                                   absl::Time deadline = absl::InfiniteFuture()) {
    HttpRequest request;
    request.deadline = deadline;
    waits_.clear();
    attempts_ = 0;
    return FetchWithRetry(
        request, how, [] { return 0.5; }, clock_,
        [&](const HttpRequest&) { return results.at(static_cast<std::size_t>(attempts_++)); },
        [&](absl::Duration wait) {
          waits_.push_back(wait);
          clock_.Advance(wait);
          return !stopped_;
        });
  }

  FakeClock clock_;
  RetryPolicy policy_ = {.max_attempts = 4, .backoff = {.initial = absl::Seconds(1), .cap = absl::Seconds(30)}};
  std::vector<absl::Duration> waits_;
  int attempts_ = 0;
  bool stopped_ = false;
};

TEST_F(RetryTest, RetriesTransientFailuresWithBackoff) {
  const auto result = Run({absl::UnavailableError("lost"), Answer(502), Answer(200)}, policy_);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->status_code, 200);
  EXPECT_THAT(waits_, ElementsAre(absl::Milliseconds(500), absl::Seconds(1)));
}

TEST_F(RetryTest, FinalResultsAreHandedBackAtOnce) {
  EXPECT_EQ(Run({Answer(404)}, policy_)->status_code, 404);
  EXPECT_EQ(Run({absl::PermissionDeniedError("guard")}, policy_).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Run({absl::ResourceExhaustedError("large")}, policy_).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(attempts_, 1);
}

TEST_F(RetryTest, AttemptsAreBounded) {
  EXPECT_EQ(Run({Answer(500), Answer(500), Answer(500), Answer(503)}, policy_)->status_code, 503);
  EXPECT_EQ(attempts_, 4);
}

TEST_F(RetryTest, RetryAfterIsObeyed) {
  EXPECT_EQ(Run({Answer(429, {{"Retry-After", "7"}}), Answer(200)}, policy_)->status_code, 200);
  EXPECT_THAT(waits_, ElementsAre(absl::Seconds(7)));
  EXPECT_EQ(Run({Answer(429, {{"Retry-After", "3600"}})}, policy_)->status_code, 429);
  EXPECT_EQ(attempts_, 1);
}

TEST_F(RetryTest, NothingStartsPastTheTotalOrTheDeadline) {
  policy_.total = absl::Seconds(1);
  EXPECT_EQ(Run({Answer(500), Answer(503)}, policy_)->status_code, 503);
  policy_.total = absl::Hours(1);
  EXPECT_EQ(Run({Answer(500)}, policy_, clock_.Now() + absl::Milliseconds(400))->status_code, 500);
}

TEST_F(RetryTest, StopsWhenTheCallerStops) {
  stopped_ = true;
  EXPECT_EQ(Run({Answer(500)}, policy_)->status_code, 500);
}

}  // namespace
}  // namespace tokenwatch::common

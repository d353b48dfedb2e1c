#include "common/http/retry.h"

#include <algorithm>
#include <utility>

#include "common/http/rate_headers.h"

namespace tokenwatch::common {

RetryLoop::RetryLoop(RetryPolicy policy, UniformRandom random, Clock& clock)
    : policy_(std::move(policy)), clock_(clock), started_(clock.Now()), backoff_(policy_.backoff, std::move(random)) {}

bool RetryLoop::IsTransient(const absl::StatusOr<HttpResponse>& result) const {
  if (!result.ok()) return absl::IsUnavailable(result.status()) || absl::IsDeadlineExceeded(result.status());
  return std::find(policy_.statuses.begin(), policy_.statuses.end(), result->status_code) != policy_.statuses.end();
}

std::optional<absl::Duration> RetryLoop::Next(const absl::StatusOr<HttpResponse>& result) {
  ++attempts_;
  if (attempts_ >= policy_.max_attempts || !IsTransient(result)) return std::nullopt;
  const absl::Time now = clock_.Now();
  absl::Duration delay = backoff_.Next();
  if (result.ok()) {
    if (const auto header = result->headers.Find("retry-after")) {
      const absl::Duration asked = ParseRetryAfter(*header, now).value_or(now) - now;
      if (asked > policy_.max_retry_after) return std::nullopt;
      delay = std::max(delay, asked);
    }
  }
  if (now + delay > started_ + policy_.total) return std::nullopt;
  return delay;
}

absl::StatusOr<HttpResponse> FetchWithRetry(const HttpRequest& request, RetryPolicy policy, UniformRandom random,
                                            Clock& clock,
                                            const std::function<absl::StatusOr<HttpResponse>(HttpRequest)>& fetch,
                                            const std::function<bool(absl::Duration)>& wait) {
  RetryLoop loop(std::move(policy), std::move(random), clock);
  while (true) {
    absl::StatusOr<HttpResponse> result = fetch(request);
    const std::optional<absl::Duration> delay = loop.Next(result);
    if (!delay || clock.Now() + *delay >= request.deadline || !wait(*delay)) return result;
  }
}

}  // namespace tokenwatch::common

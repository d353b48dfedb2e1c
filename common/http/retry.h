// Which failed fetches are worth another attempt, when, and how often.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/http/message.h"
#include "common/time/backoff.h"
#include "common/time/clock.h"

namespace tokenwatch::common {

struct RetryPolicy {
  // With the first; at least 1.
  int max_attempts = 3;
  // From the first attempt's start; no attempt starts later.
  absl::Duration total = absl::Seconds(30);
  // A longer Retry-After ends the attempts: the answer is handed back instead of holding the caller.
  absl::Duration max_retry_after = absl::Seconds(30);
  // Answers that are worth another attempt; of the errors UNAVAILABLE and DEADLINE_EXCEEDED are.
  std::vector<int> statuses = {408, 425, 429, 500, 502, 503, 504};
  Backoff::Options backoff = {.initial = absl::Milliseconds(200), .cap = absl::Seconds(10)};
};

// Decides for the attempts at one request. Not thread-safe: one per request.
class RetryLoop {
 public:
  // `clock` must outlive the loop; the total time runs from now.
  RetryLoop(RetryPolicy policy, UniformRandom random, Clock& clock);

  // How long to wait before the next attempt, after `result` of the last; nothing when it is final: it is a success,
  // not worth retrying, or attempts or time are used up. A Retry-After is the least that is waited.
  std::optional<absl::Duration> Next(const absl::StatusOr<HttpResponse>& result);

  // Made so far.
  int attempts() const { return attempts_; }

 private:
  bool IsTransient(const absl::StatusOr<HttpResponse>& result) const;

  const RetryPolicy policy_;
  Clock& clock_;
  const absl::Time started_;
  Backoff backoff_;
  int attempts_ = 0;
};

// Fetches until the loop says it is final; only for requests that may be repeated. `wait` sleeps and returns false when
// the caller is to stop, which gives the last result. A retry that would start past the request's deadline is not made.
absl::StatusOr<HttpResponse> FetchWithRetry(const HttpRequest& request, RetryPolicy policy, UniformRandom random,
                                            Clock& clock,
                                            const std::function<absl::StatusOr<HttpResponse>(HttpRequest)>& fetch,
                                            const std::function<bool(absl::Duration)>& wait);

}  // namespace tokenwatch::common

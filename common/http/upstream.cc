#include "common/http/upstream.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tokenwatch::common {
namespace {

UpstreamOutcome OutcomeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kDeadlineExceeded:
      return UpstreamOutcome::kTimeout;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kFailedPrecondition:
      return UpstreamOutcome::kRefused;
    case absl::StatusCode::kResourceExhausted:
      return UpstreamOutcome::kUnusable;
    default:
      return UpstreamOutcome::kUnavailable;
  }
}

UpstreamOutcome OutcomeOf(int status_code) {
  if (status_code == 200) return UpstreamOutcome::kAnswered;
  if (status_code == 404 || status_code == 410) return UpstreamOutcome::kNotFound;
  if (status_code == 408 || status_code == 504) return UpstreamOutcome::kTimeout;
  if (status_code == 429) return UpstreamOutcome::kRateLimited;
  if (status_code >= 500) return UpstreamOutcome::kUnavailable;
  return UpstreamOutcome::kRefused;
}

}  // namespace

UpstreamOutcome OutcomeOf(const absl::StatusOr<HttpResponse>& result) {
  return result.ok() ? OutcomeOf(result->status_code) : OutcomeOf(result.status());
}

std::string DetailOf(const absl::StatusOr<HttpResponse>& result) {
  if (!result.ok()) return std::string(result.status().message());
  return result->status_code == 200 ? "" : absl::StrCat("HTTP ", result->status_code);
}

Upstream::Upstream(const RateBudgetOptions& options, Clock& clock) : clock_(clock), budget_(options, clock) {}

RateGrant Upstream::TryTake() {
  {
    MutexLock lock(mutex_);
    if (clock_.Now() < closed_until_) return {.granted = false, .retry_at = closed_until_};
  }
  return budget_.TryTake();
}

void Upstream::CloseUntil(absl::Time until) {
  MutexLock lock(mutex_);
  closed_until_ = std::max(closed_until_, until);
}

void Upstream::Observe(int status_code, const HttpHeaders& headers, absl::Time sent_at) {
  budget_.Observe(status_code, headers, sent_at);
}

UpstreamBudget Upstream::budget() const {
  const absl::Time now = clock_.Now();
  const RateBudgetState state = budget_.state();
  UpstreamBudget result;
  result.limit = static_cast<int>(state.limit);
  result.used = static_cast<int>(state.used);
  result.last_used_at = state.last_grant;
  std::int64_t remaining = std::max<std::int64_t>(state.limit - state.used, 0);
  if (state.remaining.has_value() && now < state.reset_at) remaining = std::min(remaining, *state.remaining);
  result.closed_until = state.closed_until;
  {
    MutexLock lock(mutex_);
    result.closed_until = std::max(result.closed_until, closed_until_);
  }
  if (result.closed_until <= now) result.closed_until = absl::InfinitePast();
  result.remaining = result.closed_until > now ? 0 : static_cast<int>(std::max<std::int64_t>(remaining, 0));
  return result;
}

void Upstream::Restore(const UpstreamBudget& saved) {
  RateBudgetState state = budget_.state();
  state.used = saved.used;
  state.last_grant = saved.last_used_at;
  budget_.Restore(state);
  CloseUntil(saved.closed_until);
}

}  // namespace tokenwatch::common

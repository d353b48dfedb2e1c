#include "resolver/sources/http_source.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tokenwatch::resolver {
namespace {

Outcome OutcomeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kDeadlineExceeded:
      return Outcome::kTimeout;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kFailedPrecondition:
      return Outcome::kRefused;
    case absl::StatusCode::kResourceExhausted:
      return Outcome::kBadAnswer;
    default:
      return Outcome::kUnavailable;
  }
}

Outcome OutcomeOf(int http_status) {
  if (http_status == 404 || http_status == 410) return Outcome::kNotFound;
  if (http_status == 408 || http_status == 504) return Outcome::kTimeout;
  if (http_status == 429) return Outcome::kRateLimited;
  if (http_status >= 500) return Outcome::kUnavailable;
  return Outcome::kRefused;
}

}  // namespace

HttpSource::HttpSource(const HttpSourceOptions& options, common::HttpFetcher& http, common::Clock& clock)
    : options_(options), http_(http), budget_(options.budget, clock) {}

Admission HttpSource::Admit(absl::Time now) {
  {
    common::MutexLock lock(mutex_);
    if (now < closed_until_) return {false, closed_until_};
  }
  const common::RateGrant grant = budget_.TryTake();
  return {grant.granted, grant.retry_at};
}

BudgetState HttpSource::budget(absl::Time now) const {
  const common::RateBudgetState state = budget_.state();
  BudgetState result;
  result.limit = static_cast<int>(state.limit);
  result.used = static_cast<int>(state.used);
  result.last_used_at = state.last_grant;
  int64_t remaining = std::max<int64_t>(state.limit - state.used, 0);
  if (state.remaining.has_value() && now < state.reset_at) remaining = std::min(remaining, *state.remaining);
  result.closed_until = state.closed_until;
  common::MutexLock lock(mutex_);
  result.closed_until = std::max(result.closed_until, closed_until_);
  if (result.closed_until <= now) result.closed_until = absl::InfinitePast();
  result.remaining = result.closed_until > now ? 0 : static_cast<int>(remaining);
  return result;
}

void HttpSource::Restore(const BudgetState& state) {
  common::RateBudgetState saved = budget_.state();
  saved.used = state.used;
  saved.last_grant = state.last_used_at;
  budget_.Restore(saved);
  CloseUntil(state.closed_until);
}

void HttpSource::CloseUntil(absl::Time until) {
  common::MutexLock lock(mutex_);
  closed_until_ = std::max(closed_until_, until);
}

void HttpSource::Ask(const std::vector<Question>& questions, absl::Time now, AnswerCallback done) {
  common::HttpRequest request = Request(questions);
  request.deadline = now + options_.timeout;
  http_.Fetch(std::move(request),
              [this, questions, now, done = std::move(done)](const absl::StatusOr<common::HttpResponse>& response) {
                done(Answers(questions, response, now));
              });
}

std::vector<Answer> HttpSource::Answers(const std::vector<Question>& questions,
                                        const absl::StatusOr<common::HttpResponse>& response, absl::Time sent_at) {
  Answer failure;
  if (!response.ok()) {
    failure.outcome = OutcomeOf(response.status());
    failure.detail = std::string(response.status().message());
    return std::vector<Answer>(questions.size(), failure);
  }
  if (SharesOneLimit()) budget_.Observe(response->status_code, response->headers, sent_at);
  if (response->status_code == 200) return Read(questions, response->body);
  failure.outcome = OutcomeOf(response->status_code);
  failure.detail = absl::StrCat("HTTP ", response->status_code);
  if (failure.outcome == Outcome::kRateLimited) {
    if (SharesOneLimit()) {
      failure.retry_at = budget_.state().closed_until;
    } else {
      // One host among many: nothing to wait for, so it is a failed attempt like any other.
      failure.outcome = Outcome::kUnavailable;
    }
  }
  return std::vector<Answer>(questions.size(), failure);
}

}  // namespace tokenwatch::resolver

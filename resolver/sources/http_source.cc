#include "resolver/sources/http_source.h"

#include <utility>

namespace tokenwatch::resolver {
namespace {

Outcome OutcomeOf(common::UpstreamOutcome outcome) {
  switch (outcome) {
    case common::UpstreamOutcome::kAnswered:
      return Outcome::kFound;
    case common::UpstreamOutcome::kNotFound:
      return Outcome::kNotFound;
    case common::UpstreamOutcome::kRateLimited:
      return Outcome::kRateLimited;
    case common::UpstreamOutcome::kTimeout:
      return Outcome::kTimeout;
    case common::UpstreamOutcome::kUnavailable:
      return Outcome::kUnavailable;
    case common::UpstreamOutcome::kUnusable:
      return Outcome::kBadAnswer;
    case common::UpstreamOutcome::kRefused:
      break;
  }
  return Outcome::kRefused;
}

}  // namespace

HttpSource::HttpSource(const HttpSourceOptions& options, common::HttpFetcher& http, common::Clock& clock)
    : options_(options), http_(http), upstream_(options.budget, clock) {}

Admission HttpSource::Admit(absl::Time /*now*/) {
  const common::RateGrant grant = upstream_.TryTake();
  return {grant.granted, grant.retry_at};
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
  if (response.ok() && SharesOneLimit()) upstream_.Observe(response->status_code, response->headers, sent_at);
  const common::UpstreamOutcome outcome = common::OutcomeOf(response);
  if (outcome == common::UpstreamOutcome::kAnswered) return Read(questions, response->body);
  Answer failure;
  failure.outcome = OutcomeOf(outcome);
  failure.detail = common::DetailOf(response);
  if (failure.outcome == Outcome::kRateLimited) {
    if (SharesOneLimit()) {
      failure.retry_at = upstream_.budget().closed_until;
    } else {
      // One host among many: nothing to wait for, so it is a failed attempt like any other.
      failure.outcome = Outcome::kUnavailable;
    }
  }
  return std::vector<Answer>(questions.size(), failure);
}

}  // namespace tokenwatch::resolver

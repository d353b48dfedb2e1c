#include "pricing/oracle/providers/http_provider.h"

#include <algorithm>
#include <utility>

namespace tokenwatch::pricing {
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

Answers::Answers(const std::vector<chain::TokenRef>& tokens) : answers_(tokens.size()) {
  for (size_t i = 0; i < tokens.size(); ++i) by_token_.emplace(tokens[i], i);
}

ProviderAnswer* Answers::Find(const chain::TokenRef& token) {
  const auto found = by_token_.find(token);
  return found == by_token_.end() ? nullptr : &answers_[found->second];
}

void Answers::Add(ProviderAnswer& answer, Observation observation) {
  answer.outcome = Outcome::kFound;
  answer.detail.clear();
  answer.observations.push_back(std::move(observation));
}

void Answers::NoPrice(ProviderAnswer& answer, std::string detail, Outcome outcome) {
  if (answer.outcome == Outcome::kFound) return;
  answer.outcome = outcome;
  answer.detail = std::move(detail);
}

std::vector<ProviderAnswer> Answers::ForAll(size_t count, Outcome outcome, std::string detail) {
  ProviderAnswer answer;
  answer.outcome = outcome;
  answer.detail = std::move(detail);
  return std::vector<ProviderAnswer>(count, answer);
}

HttpProvider::HttpProvider(HttpProviderOptions options, common::HttpFetcher& http, common::Clock& clock)
    : options_(std::move(options)), http_(http), clock_(clock), upstream_(options_.budget, clock) {}

void HttpProvider::Send(common::HttpRequest request, size_t count, absl::Time deadline, BodyReader read,
                        ProviderCallback done) {
  request.deadline = deadline;
  request.max_body_bytes = options_.max_body_bytes;
  // Nothing here is worth following a stranger for, and keys must not travel.
  request.max_redirects = 0;
  const absl::Time sent_at = clock_.Now();
  http_.Fetch(std::move(request), [this, count, sent_at, read = std::move(read),
                                   done = std::move(done)](const absl::StatusOr<common::HttpResponse>& response) {
    done(Judge(response, count, sent_at, read));
  });
}

std::vector<ProviderAnswer> HttpProvider::Judge(const absl::StatusOr<common::HttpResponse>& response, size_t count,
                                                absl::Time sent_at, const BodyReader& read) {
  const common::UpstreamOutcome outcome = common::OutcomeOf(response);
  std::vector<ProviderAnswer> answers = outcome == common::UpstreamOutcome::kAnswered
                                            ? read(response->body, clock_.Now())
                                            : Answers::ForAll(count, OutcomeOf(outcome), common::DetailOf(response));
  if (!response.ok()) return answers;
  const bool is_limited =
      !answers.empty() && std::all_of(answers.begin(), answers.end(), [](const ProviderAnswer& answer) {
        return answer.outcome == Outcome::kRateLimited;
      });
  upstream_.Observe(is_limited ? 429 : response->status_code, response->headers, sent_at);
  const absl::Time closed_until = upstream_.budget().closed_until;
  if (closed_until == absl::InfinitePast()) return answers;
  for (ProviderAnswer& answer : answers) {
    if (answer.outcome == Outcome::kRateLimited || answer.outcome == Outcome::kUnavailable) {
      answer.retry_at = closed_until;
    }
  }
  return answers;
}

void OneCallProvider::Ask(const std::vector<chain::TokenRef>& tokens, absl::Time deadline, ProviderCallback done) {
  Send(
      Request(tokens), tokens.size(), deadline,
      [this, tokens](const std::string& body, absl::Time heard_at) { return Read(tokens, body, heard_at); },
      std::move(done));
}

}  // namespace tokenwatch::pricing

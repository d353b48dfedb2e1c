// What all sources that are asked over HTTP share: the budget, the time limit, and what a failed call means.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/http/budget.h"
#include "common/http/client.h"
#include "common/http/upstream.h"
#include "common/time/clock.h"
#include "resolver/sources/source.h"

namespace tokenwatch::resolver {

struct HttpSourceOptions {
  common::RateBudgetOptions budget;
  absl::Duration timeout = absl::Seconds(3);
};

// Thread-safe. `http` must be shut down before the source ends.
class HttpSource : public Source {
 public:
  HttpSource(const HttpSourceOptions& options, common::HttpFetcher& http, common::Clock& clock);

  Admission Admit(absl::Time now) override;
  BudgetState budget(absl::Time /*now*/) const override { return upstream_.budget(); }
  void Restore(const BudgetState& state) override { upstream_.Restore(state); }
  void CloseUntil(absl::Time until) override { upstream_.CloseUntil(until); }
  void Ask(const std::vector<Question>& questions, absl::Time now, AnswerCallback done) override;

 protected:
  // The one request that asks all questions; its deadline is set by the caller.
  virtual common::HttpRequest Request(const std::vector<Question>& questions) const = 0;
  // The answers in the body of a 200.
  virtual std::vector<Answer> Read(const std::vector<Question>& questions, const std::string& body) const = 0;
  // False when each question goes to a host of its own, whose refusal says nothing about the others.
  virtual bool SharesOneLimit() const { return true; }

 private:
  std::vector<Answer> Answers(const std::vector<Question>& questions,
                              const absl::StatusOr<common::HttpResponse>& response, absl::Time sent_at);

  const HttpSourceOptions options_;
  common::HttpFetcher& http_;
  common::Upstream upstream_;
};

}  // namespace tokenwatch::resolver

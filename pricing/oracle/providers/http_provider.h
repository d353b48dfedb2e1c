// What all providers that are asked over HTTP share: the budget, and what a failed call means.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/http/client.h"
#include "common/http/upstream.h"
#include "common/time/clock.h"
#include "pricing/oracle/provider.h"

namespace tokenwatch::pricing {

struct HttpProviderOptions {
  // Without a slash at its end, from configuration.
  std::string base_url;
  // From a file; empty: none. Never logged.
  std::string api_key = {};
  common::RateBudgetOptions budget = {};
  // Of an answer: more is a bad answer.
  size_t max_body_bytes = size_t{8} << 20;
};

// Answers to a batch while its body is read.
class Answers {
 public:
  // All "not found".
  explicit Answers(const std::vector<chain::TokenRef>& tokens);

  // Where to put the answer about a token; null when it was not asked about.
  ProviderAnswer* Find(const chain::TokenRef& token);
  // Adds a price to a token's answer.
  static void Add(ProviderAnswer& answer, Observation observation);
  // The token is known and has no price, unless it has one already.
  static void NoPrice(ProviderAnswer& answer, std::string detail, Outcome outcome = Outcome::kNoPrice);

  std::vector<ProviderAnswer> Take() { return std::move(answers_); }
  // The same for all.
  static std::vector<ProviderAnswer> ForAll(size_t count, Outcome outcome, std::string detail);

 private:
  std::vector<ProviderAnswer> answers_;
  absl::flat_hash_map<chain::TokenRef, size_t> by_token_;
};

// Thread-safe. `http` must be shut down before the provider ends.
class HttpProvider : public Provider {
 public:
  HttpProvider(HttpProviderOptions options, common::HttpFetcher& http, common::Clock& clock);

  common::RateGrant Admit() override { return upstream_.TryTake(); }
  common::UpstreamBudget budget() const override { return upstream_.budget(); }

 protected:
  // The answers in the body of a 200. When all are kRateLimited the budget is closed as if by a 429.
  using BodyReader = std::function<std::vector<ProviderAnswer>(const std::string& body, absl::Time heard_at)>;
  // Fetches, and hands on what the answer says about `count` tokens. Sets the request's limits.
  void Send(common::HttpRequest request, size_t count, absl::Time deadline, BodyReader read, ProviderCallback done);

  const HttpProviderOptions& options() const { return options_; }
  common::Clock& clock() const { return clock_; }

 private:
  std::vector<ProviderAnswer> Judge(const absl::StatusOr<common::HttpResponse>& response, size_t count,
                                    absl::Time sent_at, const BodyReader& read);

  const HttpProviderOptions options_;
  common::HttpFetcher& http_;
  common::Clock& clock_;
  common::Upstream upstream_;
};

// One that needs one call for each batch. Thread-safe.
class OneCallProvider : public HttpProvider {
 public:
  using HttpProvider::HttpProvider;

  void Ask(const std::vector<chain::TokenRef>& tokens, absl::Time deadline, ProviderCallback done) override;

 protected:
  // The one request that asks about all tokens.
  virtual common::HttpRequest Request(const std::vector<chain::TokenRef>& tokens) const = 0;
  virtual std::vector<ProviderAnswer> Read(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                           absl::Time heard_at) const = 0;
};

}  // namespace tokenwatch::pricing

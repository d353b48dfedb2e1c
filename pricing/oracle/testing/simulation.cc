#include "pricing/oracle/testing/simulation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>

#include "absl/strings/str_cat.h"

namespace tokenwatch::pricing::testing {
namespace {

// 99 % of a normal distribution is below that many standard deviations.
constexpr double kSigmas99 = 2.326;

}  // namespace

chain::TokenRef Token(uint32_t number) {
  std::array<uint8_t, 32> bytes{};
  bytes[0] = 7;
  std::memcpy(bytes.data() + 8, &number, sizeof number);
  return {chain::Chain::kSolana, chain::Address::FromSolanaBytes(bytes)};
}

ProviderAnswer Found(double usd, absl::Time heard_at, std::optional<double> liquidity_usd) {
  ProviderAnswer answer;
  answer.outcome = Outcome::kFound;
  Observation observation;
  observation.usd = absl::StrCat(usd);
  observation.value = usd;
  observation.heard_at = heard_at;
  observation.liquidity_usd = liquidity_usd;
  answer.observations.push_back(observation);
  return answer;
}

ProviderAnswer Failed(Outcome outcome) {
  ProviderAnswer answer;
  answer.outcome = outcome;
  answer.detail = "as the script says";
  return answer;
}

ScriptedProvider::ScriptedProvider(std::string name, Options options, common::EventLoop& loop, common::Clock& clock)
    : answer([](const chain::TokenRef&) { return Failed(Outcome::kNotFound); }),
      latency([] { return absl::Milliseconds(100); }),
      travel([] { return absl::ZeroDuration(); }),
      name_(std::move(name)),
      options_(options),
      loop_(loop),
      clock_(clock),
      upstream_(options.budget, clock) {}

void ScriptedProvider::Ask(const std::vector<chain::TokenRef>& tokens, absl::Time /*deadline*/, ProviderCallback done) {
  const absl::Time sent_at = clock_.Now();
  calls_.push_back(sent_at);
  batches_.push_back(tokens.size());
  const absl::Duration took = latency();
  loop_.At(sent_at + travel(), [this, tokens, sent_at, took, done = std::move(done)] {
    if (took == absl::InfiniteDuration()) return;
    if (!ServerAllows()) {
      ++over_limit_;
      upstream_.Observe(429, {}, sent_at);
      ProviderAnswer limited = Failed(Outcome::kRateLimited);
      limited.retry_at = upstream_.budget().closed_until;
      return done(std::vector<ProviderAnswer>(tokens.size(), limited));
    }
    loop_.At(std::max(sent_at + took, clock_.Now()), [this, tokens, sent_at, done] { Reply(tokens, sent_at, done); });
  });
}

bool ScriptedProvider::ServerAllows() {
  const absl::Time now = clock_.Now();
  while (!arrivals_.empty() && arrivals_.front() <= now - options_.server_window) arrivals_.pop_front();
  arrivals_.push_back(now);
  most_in_window_ = std::max(most_in_window_, arrivals_.size());
  return options_.server_limit == 0 || arrivals_.size() <= options_.server_limit;
}

void ScriptedProvider::Reply(const std::vector<chain::TokenRef>& tokens, absl::Time sent_at,
                             const ProviderCallback& done) {
  upstream_.Observe(200, {}, sent_at);
  std::vector<ProviderAnswer> answers;
  for (const chain::TokenRef& token : tokens) answers.push_back(answer(token));
  done(std::move(answers));
}

ScriptedProvider& Simulation::Add(std::string name, ScriptedProvider::Options options) {
  providers_.push_back(std::make_unique<ScriptedProvider>(std::move(name), options, loop_, clock_));
  return *providers_.back();
}

std::vector<Provider*> Simulation::providers() const {
  std::vector<Provider*> pointers;
  for (const auto& provider : providers_) pointers.push_back(provider.get());
  return pointers;
}

void Simulation::RunUntil(absl::Time until) {
  while (true) {
    const absl::Time next = loop_.RunDue();
    if (next > until) break;
    clock_.Set(next);
  }
  clock_.Set(std::max(until, clock_.Now()));
}

std::function<absl::Duration()> LogNormal(absl::Duration median, absl::Duration p99, uint64_t seed) {
  const double sigma = std::log(absl::FDivDuration(p99, median)) / kSigmas99;
  return [median, random = std::mt19937_64(seed), normal = std::normal_distribution<>(0, sigma)]() mutable {
    return median * std::exp(normal(random));
  };
}

absl::Duration Quantile(std::vector<absl::Duration> values, double q) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(values.size())));
  return values.empty() ? absl::ZeroDuration() : values[std::max<size_t>(rank, 1) - 1];
}

}  // namespace tokenwatch::pricing::testing

// A world of made-up providers on a fake clock, in which hours of asking take a moment. For tests; one thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "chain/address.h"
#include "common/http/upstream.h"
#include "common/time/event_loop.h"
#include "common/time/fake_clock.h"
#include "pricing/oracle/provider.h"

namespace tokenwatch::pricing::testing {

// A Solana token of its own for each number.
chain::TokenRef Token(uint32_t number);

ProviderAnswer Found(double usd, absl::Time heard_at, std::optional<double> liquidity_usd = std::nullopt);
ProviderAnswer Failed(Outcome outcome);

// Answers as it is told to after the time it is told to, and counts what it was asked as its server would.
class ScriptedProvider final : public Provider {
 public:
  struct Options {
    size_t max_batch = 30;
    common::RateBudgetOptions budget = {.requests = 1'000'000};
    // What its server really allows in any window; 0: everything.
    size_t server_limit = 0;
    absl::Duration server_window = absl::Minutes(1);
  };

  ScriptedProvider(std::string name, Options options, common::EventLoop& loop, common::Clock& clock);

  // What it says about a token now. Default: not found.
  std::function<ProviderAnswer(const chain::TokenRef&)> answer;
  // How long one call takes; InfiniteDuration: it never answers. Default: 100 ms.
  std::function<absl::Duration()> latency;
  // How long a request travels to the server. Default: no time.
  std::function<absl::Duration()> travel;
  std::function<bool(const chain::TokenRef&)> serves;

  absl::string_view name() const override { return name_; }
  size_t max_batch() const override { return options_.max_batch; }
  bool Serves(const chain::TokenRef& token) const override { return serves == nullptr || serves(token); }
  common::RateGrant Admit() override { return upstream_.TryTake(); }
  common::UpstreamBudget budget() const override { return upstream_.budget(); }
  void Ask(const std::vector<chain::TokenRef>& tokens, absl::Time deadline, ProviderCallback done) override;

  // When each call was made, and how many tokens each was about.
  const std::vector<absl::Time>& calls() const { return calls_; }
  const std::vector<size_t>& batches() const { return batches_; }
  size_t over_limit() const { return over_limit_; }
  // The most requests that reached the server within any one window of it.
  size_t most_in_window() const { return most_in_window_; }
  common::Upstream& upstream() { return upstream_; }

 private:
  bool ServerAllows();
  void Reply(const std::vector<chain::TokenRef>& tokens, absl::Time sent_at, const ProviderCallback& done);

  const std::string name_;
  const Options options_;
  common::EventLoop& loop_;
  common::Clock& clock_;
  common::Upstream upstream_;
  std::vector<absl::Time> calls_;
  std::vector<size_t> batches_;
  std::deque<absl::Time> arrivals_;
  size_t over_limit_ = 0;
  size_t most_in_window_ = 0;
};

class Simulation {
 public:
  common::FakeClock& clock() { return clock_; }
  common::EventLoop& loop() { return loop_; }
  absl::Time Now() { return clock_.Now(); }

  ScriptedProvider& Add(std::string name, ScriptedProvider::Options options = {});
  // In the order of adding.
  std::vector<Provider*> providers() const;

  // Runs everything that is due up to then, at its time; the clock then shows `until`.
  void RunUntil(absl::Time until);
  void RunFor(absl::Duration duration) { RunUntil(Now() + duration); }

 private:
  common::FakeClock clock_;
  common::EventLoop loop_{clock_};
  std::vector<std::unique_ptr<ScriptedProvider>> providers_;
};

// A latency that is normal in its logarithm: half are below `median`, one in a hundred above `p99`.
std::function<absl::Duration()> LogNormal(absl::Duration median, absl::Duration p99, uint64_t seed);

// The smallest of the values that at least the share `q` of them do not exceed.
absl::Duration Quantile(std::vector<absl::Duration> values, double q);

}  // namespace tokenwatch::pricing::testing

// Hours of trouble with sources, played on a fake clock.
#include "pricing/oracle/testing/simulation.h"

#include <cmath>
#include <cstdio>
#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pricing/oracle/chain/oracle_chain.h"

namespace tokenwatch::pricing {
namespace {

using testing::Failed;
using testing::Found;
using testing::LogNormal;
using testing::Quantile;
using testing::ScriptedProvider;
using testing::Simulation;
using testing::Token;

class Totals final : public OracleObserver {
 public:
  void OnCall(size_t, size_t) override { ++calls; }
  void OnHedge(size_t) override { ++hedges; }
  void OnRetry(size_t) override { ++retries; }
  void OnBreaker(size_t provider, BreakerState state) override { ++breaker[{provider, state}]; }
  int calls = 0;
  int hedges = 0;
  int retries = 0;
  std::map<std::pair<size_t, BreakerState>, int> breaker;
};

struct Played {
  std::vector<absl::Duration> took;
  int without_price = 0;
  Totals totals;
};

// Asks for a token never asked for before `count` times, `gap` apart.
Played AskInTurn(Simulation& sim, int count, absl::Duration gap) {
  Played run;
  OracleChain chain({}, sim.providers(), sim.loop(), common::SeededRandom(1), run.totals);
  int unanswered = 0;
  for (int i = 0; i < count; ++i) {
    ++unanswered;
    chain.Ask({Token(static_cast<uint32_t>(i))}, [&, asked_at = sim.Now()](const OracleAnswer& answer) {
      --unanswered;
      run.took.push_back(sim.Now() - asked_at);
      if (!answer.usd.has_value()) ++run.without_price;
    });
    sim.RunFor(gap);
  }
  sim.RunFor(absl::Seconds(30));
  EXPECT_EQ(unanswered, 0);
  return run;
}

std::function<absl::Duration()> HealthySecond() {
  return LogNormal(absl::Milliseconds(120), absl::Milliseconds(300), 2);
}

ScriptedProvider& AddHealthy(Simulation& sim, std::string name, double usd) {
  ScriptedProvider& provider = sim.Add(std::move(name));
  provider.answer = [&sim, usd](const chain::TokenRef&) { return Found(usd, sim.Now()); };
  return provider;
}

TEST(OracleSimulation, ASlowFirstSourceRaisesTheTailByAtMostAFifthOverTheHealthySecond) {
  constexpr int kAsks = 3'000;
  const absl::Duration gap = absl::Milliseconds(150);
  Simulation alone;
  AddHealthy(alone, "second", 2).latency = HealthySecond();
  const absl::Duration healthy = Quantile(AskInTurn(alone, kAsks, gap).took, 0.99);

  const auto usual = [] { return LogNormal(absl::Milliseconds(80), absl::Milliseconds(150), 1); };
  const absl::Duration slow = absl::Milliseconds(1'800);
  struct Scenario {
    const char* name;
    std::function<absl::Duration()> first;
  };
  std::vector<Scenario> scenarios = {{"healthy", usual()}, {"always slow", [slow] { return slow; }}};
  for (const int percent : {2, 5, 10, 30}) {
    static const char* const kNames[] = {"2 % slow", "5 % slow", "10 % slow", "30 % slow"};
    const char* const name = kNames[percent == 2 ? 0 : percent == 5 ? 1 : percent == 10 ? 2 : 3];
    scenarios.push_back({name, [slow, percent, quick = usual(), random = std::mt19937(9)]() mutable {
                           return random() % 100 < static_cast<unsigned>(percent) ? slow : quick();
                         }});
  }
  scenarios.push_back({"slow from the middle on",
                       [slow, quick = usual(), call = 0]() mutable { return ++call > kAsks / 2 ? slow : quick(); }});
  scenarios.push_back({"slow for a minute in five",
                       [slow, quick = usual(), call = 0]() mutable { return ++call / 400 % 5 == 1 ? slow : quick(); }});
  std::printf("p99 of the healthy second alone: %.0f ms\n", absl::ToDoubleMilliseconds(healthy));
  for (Scenario& scenario : scenarios) {
    Simulation sim;
    ScriptedProvider& first = AddHealthy(sim, "first", 1);
    first.latency = std::move(scenario.first);
    ScriptedProvider& second = AddHealthy(sim, "second", 2);
    second.latency = HealthySecond();
    const Played run = AskInTurn(sim, kAsks, gap);
    const absl::Duration p99 = Quantile(run.took, 0.99);
    const auto extra = static_cast<double>(first.calls().size() + second.calls().size()) / kAsks - 1;
    std::printf("first %-26s p50 %4.0f ms, p99 %4.0f ms (%.2f of it), %3d hedges, %4.1f %% extra calls\n",
                scenario.name, absl::ToDoubleMilliseconds(Quantile(run.took, 0.5)), absl::ToDoubleMilliseconds(p99),
                absl::FDivDuration(p99, healthy), run.totals.hedges, 100 * extra);
    EXPECT_LE(absl::FDivDuration(p99, healthy), 1.2) << scenario.name;
    EXPECT_LE(run.totals.hedges, kAsks / 10 + 1) << scenario.name;
    EXPECT_EQ(run.without_price, 0) << scenario.name;
  }
}

TEST(OracleSimulation, ADeadSourceCostsFourFailuresAndThenOneProbeABackOff) {
  for (const bool times_out : {false, true}) {
    Simulation sim;
    ScriptedProvider& dead = sim.Add("dead");
    dead.answer = [](const chain::TokenRef&) { return Failed(Outcome::kUnavailable); };
    if (times_out) dead.latency = [] { return absl::InfiniteDuration(); };
    AddHealthy(sim, "second", 2).latency = HealthySecond();
    // Half an hour, five a second.
    const absl::Time start = sim.Now();
    const Played run = AskInTurn(sim, 9'000, absl::Milliseconds(200));
    const absl::Duration p99 = Quantile(run.took, 0.99);
    size_t before_open = 0;
    while (before_open < dead.calls().size() && dead.calls()[before_open] < start + absl::Seconds(3.5)) ++before_open;
    std::printf("dead (%s): %zu calls in half an hour, %zu of them in the first seconds; p99 %.0f ms\n",
                times_out ? "silent" : "refusing", dead.calls().size(), before_open, absl::ToDoubleMilliseconds(p99));
    EXPECT_EQ(run.without_price, 0);
    EXPECT_LE(absl::FDivDuration(p99, absl::Milliseconds(300)), 1.2);
    EXPECT_GE(dead.calls().size(), 4u);
    // Four, and then one each random share of 1, 2, 4, ... 60 seconds.
    const int opened = run.totals.breaker.at({0, BreakerState::kOpen});
    EXPECT_EQ(dead.calls().size(), 3u + static_cast<size_t>(opened)) << "each further call is a probe that failed";
    EXPECT_LE(dead.calls().size(), 4u + 10 + 2 * 1'800 / 60 * 2);
  }
}

TEST(OracleSimulation, ADayAt95PercentOfTheQuotaSeesNo429) {
  constexpr size_t kPerMinute = 60;
  Simulation sim;
  ScriptedProvider::Options options;
  options.budget.requests = kPerMinute;
  options.server_limit = kPerMinute;
  ScriptedProvider& limited = sim.Add("limited", options);
  limited.answer = [&](const chain::TokenRef&) { return Found(1, sim.Now()); };
  std::mt19937_64 random(3);
  limited.latency = LogNormal(absl::Milliseconds(150), absl::Milliseconds(600), 4);
  // Within the budget's margin.
  limited.travel = [&] { return absl::Milliseconds(std::uniform_int_distribution<>(10, 250)(random)); };
  Totals totals;
  OracleChainOptions chain_options;
  // Each question a call, though batches would need far fewer.
  chain_options.lane.linger = absl::ZeroDuration();
  chain_options.lane.linger_max = absl::ZeroDuration();
  OracleChain chain(chain_options, sim.providers(), sim.loop(), common::SeededRandom(1), totals);
  // Asks come at random, each a call of its own, at 95 % of the quota on average: often more for a while.
  std::exponential_distribution<> gap(0.95 * kPerMinute / 60);
  const absl::Time end = sim.Now() + absl::Hours(24);
  int asked = 0;
  int answered = 0;
  int priced = 0;
  while (sim.Now() < end) {
    ++asked;
    chain.Ask({Token(static_cast<uint32_t>(asked))}, [&](const OracleAnswer& answer) {
      ++answered;
      if (answer.usd.has_value()) ++priced;
    });
    sim.RunFor(absl::Seconds(gap(random)));
  }
  sim.RunFor(absl::Minutes(1));
  std::printf(
      "24 h at 95 %% of %zu a minute: %d asks, %zu calls, %zu over the limit, at most %zu in a minute, %d priced\n",
      kPerMinute, asked, limited.calls().size(), limited.over_limit(), limited.most_in_window(), priced);
  EXPECT_EQ(limited.over_limit(), 0u);
  EXPECT_LE(limited.most_in_window(), kPerMinute);
  EXPECT_EQ(answered, asked);
  EXPECT_GT(asked, 80'000);
  // What comes in bursts above the quota cannot be served by it.
  EXPECT_GT(priced, asked * 9 / 10);
}

TEST(OracleSimulation, AllSourcesDownForTenMinutes) {
  Simulation sim;
  std::vector<ScriptedProvider*> providers;
  bool down = false;
  for (const char* name : {"a", "b", "c"}) {
    ScriptedProvider::Options options;
    options.budget.requests = 120;
    options.server_limit = 120;
    ScriptedProvider& provider = sim.Add(name, options);
    const size_t index = providers.size();
    provider.latency = LogNormal(absl::Milliseconds(100), absl::Milliseconds(400), index);
    provider.answer = [&, index](const chain::TokenRef&) {
      // Each in its own way.
      static constexpr Outcome kHow[] = {Outcome::kUnavailable, Outcome::kTimeout, Outcome::kBadAnswer};
      return down ? Failed(kHow[index]) : Found(2 + 0.0001 * static_cast<double>(index), sim.Now());
    };
    providers.push_back(&provider);
  }
  Totals totals;
  OracleChain chain({}, sim.providers(), sim.loop(), common::SeededRandom(1), totals);
  std::mt19937_64 random(5);
  // What the service does: a request without a price is asked again later, with full jitter.
  struct Request {
    bool is_answered = false;
    int attempts = 0;
  };
  std::vector<std::unique_ptr<Request>> requests;
  int invented = 0;
  std::function<void(Request*, OracleQuestion)> ask = [&](Request* request, const OracleQuestion& question) {
    ++request->attempts;
    chain.Ask(question, [&, request, question](const OracleAnswer& answer) {
      if (answer.usd.has_value()) {
        if (*answer.usd < 2 || *answer.usd > 2.0003) ++invented;
        for (const SourceReport& report : answer.sources) {
          // While they are down nothing that is younger than the outage can be known.
          if (report.used && down && report.observation->heard_at > sim.Now() - absl::Seconds(1)) ++invented;
        }
        request->is_answered = true;
        return;
      }
      const absl::Duration bound = std::min(absl::Minutes(1), absl::Seconds(1) * std::exp2(request->attempts));
      sim.loop().At(sim.Now() + bound * std::uniform_real_distribution<>()(random),
                    [&ask, request, question] { ask(request, question); });
    });
  };
  const absl::Time start = sim.Now();
  uint32_t next = 0;
  const auto play = [&](absl::Duration time) {
    const absl::Time end = sim.Now() + time;
    while (sim.Now() < end) {
      requests.push_back(std::make_unique<Request>());
      OracleQuestion question{Token(++next)};
      if (next % 2 == 0) question.policy = Policy::kAggregate;
      ask(requests.back().get(), question);
      sim.RunFor(absl::Milliseconds(500));
    }
  };
  play(absl::Minutes(2));
  sim.RunFor(absl::Seconds(5));
  for (const auto& request : requests) EXPECT_TRUE(request->is_answered);
  const size_t answered_before = requests.size();
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ((totals.breaker[{i, BreakerState::kOpen}]), 0);

  down = true;
  const int calls_before = totals.calls;
  play(absl::Minutes(10));
  const int calls_down = totals.calls - calls_before;
  size_t answered_down = 0;
  for (size_t i = answered_before; i < requests.size(); ++i) answered_down += requests[i]->is_answered ? 1 : 0;
  EXPECT_EQ(answered_down, 0u);
  for (const ProviderState& state : chain.providers()) EXPECT_NE(state.breaker, "closed") << state.name;

  down = false;
  play(absl::Minutes(3));
  sim.RunFor(absl::Minutes(2));
  int answered = 0;
  for (const auto& request : requests) answered += request->is_answered ? 1 : 0;
  std::printf("outage: %zu requests, %d answered, %zu during the outage, %d invented; %d calls in its ten minutes\n",
              requests.size(), answered, answered_down, invented, calls_down);
  EXPECT_EQ(static_cast<size_t>(answered), requests.size());
  EXPECT_EQ(invented, 0);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_GE((totals.breaker[{i, BreakerState::kOpen}]), 1);
    EXPECT_GE((totals.breaker[{i, BreakerState::kClosed}]), 1);
    EXPECT_EQ(chain.providers()[i].breaker, "closed");
    EXPECT_EQ(providers[i]->over_limit(), 0u);
    EXPECT_LE(providers[i]->most_in_window(), 120u);
  }
  // Four failures a source and its probes, instead of 2,400 asks and their repetitions.
  EXPECT_LE(calls_down, 3 * (4 + 60));
  EXPECT_GT(sim.Now() - start, absl::Minutes(15));
}

}  // namespace
}  // namespace tokenwatch::pricing

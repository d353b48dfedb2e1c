// A chain over made-up providers, for its tests.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "pricing/oracle/chain/oracle_chain.h"
#include "pricing/oracle/testing/simulation.h"

namespace tokenwatch::pricing::testing {

class CountingObserver final : public OracleObserver {
 public:
  void OnHedge(size_t) override { ++hedges; }
  void OnHedgeWon(size_t) override { ++hedges_won; }
  void OnRetry(size_t) override { ++retries; }
  void OnSpared(size_t) override { ++spared; }
  void OnJoined(size_t) override { ++joined; }
  void OnBreaker(size_t, BreakerState state) override { ++breaker[state]; }
  void OnAnswered(AnsweredBy by, absl::Duration) override { ++answered[by]; }
  int hedges = 0;
  int hedges_won = 0;
  int retries = 0;
  int spared = 0;
  int joined = 0;
  std::map<BreakerState, int> breaker;
  std::map<AnsweredBy, int> answered;
};

class ChainTest : public ::testing::Test {
 protected:
  OracleChain& chain() {
    if (chain_ == nullptr) {
      chain_ =
          std::make_unique<OracleChain>(options_, sim_.providers(), sim_.loop(), common::SeededRandom(1), observer_);
    }
    return *chain_;
  }
  // Adds a provider that knows every token at that price.
  ScriptedProvider& Knows(std::string name, double usd, ScriptedProvider::Options options = {}) {
    ScriptedProvider& provider = sim_.Add(std::move(name), options);
    provider.answer = [this, usd](const chain::TokenRef&) { return Found(usd, sim_.Now()); };
    return provider;
  }
  ScriptedProvider& Fails(std::string name, Outcome outcome) {
    ScriptedProvider& provider = sim_.Add(std::move(name));
    provider.answer = [outcome](const chain::TokenRef&) { return Failed(outcome); };
    return provider;
  }
  struct Asked {
    std::optional<OracleAnswer> answer;
    absl::Time at;
    int times = 0;
  };
  std::shared_ptr<Asked> Begin(const OracleQuestion& question) {
    auto asked = std::make_shared<Asked>();
    chain().Ask(question, [this, asked](OracleAnswer answer) {
      asked->answer = std::move(answer);
      asked->at = sim_.Now();
      ++asked->times;
    });
    return asked;
  }
  std::shared_ptr<Asked> Begin(uint32_t token) { return Begin(OracleQuestion{Token(token)}); }
  // Asks, and waits for the answer.
  OracleAnswer Ask(const OracleQuestion& question) {
    const auto asked = Begin(question);
    sim_.RunFor(absl::Seconds(10));
    EXPECT_EQ(asked->times, 1);
    return asked->answer.value_or(OracleAnswer{});
  }
  OracleAnswer Ask(uint32_t token) { return Ask(OracleQuestion{Token(token)}); }
  OracleQuestion Aggregate(uint32_t token, int min_sources = 2) {
    OracleQuestion question{Token(token)};
    question.policy = Policy::kAggregate;
    question.min_sources = min_sources;
    return question;
  }

  Simulation sim_;
  CountingObserver observer_;
  OracleChainOptions options_;
  std::unique_ptr<OracleChain> chain_;
};

}  // namespace tokenwatch::pricing::testing

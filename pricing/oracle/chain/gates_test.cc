// When sources are asked, and when not: budgets, breakers, hedges, retries, deadlines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pricing/oracle/chain/oracle_chain.h"
#include "pricing/oracle/testing/chain_test.h"
#include "pricing/oracle/testing/simulation.h"

namespace tokenwatch::pricing {
namespace {

using testing::Failed;
using testing::Found;
using ::testing::HasSubstr;
using ::testing::Optional;
using testing::ScriptedProvider;
using ::testing::SizeIs;
using testing::Token;

using OracleGatesTest = testing::ChainTest;

TEST_F(OracleGatesTest, AnAggregateDoesNotWaitForOneThatIsSlowerThanItUsedToBe) {
  Knows("a", 2);
  Knows("b", 2);
  ScriptedProvider& c = Knows("c", 2);
  for (uint32_t i = 0; i < 10; ++i) Ask(Aggregate(i));
  c.latency = [] { return absl::InfiniteDuration(); };
  const absl::Time start = sim_.Now();
  const auto asked = Begin(Aggregate(100));
  sim_.RunFor(absl::Seconds(5));
  EXPECT_THAT(asked->answer->usd, Optional(2.0));
  // c is unknown by now, as its last answers are more than a minute old: it gets the time of an unknown.
  EXPECT_LE(asked->at - start, absl::Milliseconds(510));
  EXPECT_EQ(asked->answer->sources[2].outcome, Outcome::kTimeout);
  // Where those that answered are too few, it is waited for to the end.
  const auto three = Begin(Aggregate(101, 3));
  sim_.RunFor(absl::Milliseconds(2'900));
  EXPECT_EQ(three->times, 0);
  sim_.RunFor(absl::Seconds(8));
  EXPECT_EQ(three->answer->usd, std::nullopt);
}

TEST_F(OracleGatesTest, TheDeadlineIsKept) {
  ScriptedProvider& a = Knows("a", 2);
  a.latency = [] { return absl::Seconds(1); };
  OracleQuestion hasty{Token(1)};
  hasty.deadline = sim_.Now() + absl::Milliseconds(300);
  const auto first = Begin(hasty);
  const auto second = Begin(1);
  sim_.RunFor(absl::Milliseconds(299));
  EXPECT_EQ(first->times, 0);
  sim_.RunFor(absl::Milliseconds(1));
  EXPECT_EQ(first->times, 1);
  EXPECT_EQ(first->answer->usd, std::nullopt);
  EXPECT_THAT(first->answer->reason, HasSubstr("no answer yet"));
  EXPECT_EQ(second->times, 0);
  sim_.RunFor(absl::Seconds(1));
  EXPECT_THAT(second->answer->usd, Optional(2.0));
  EXPECT_EQ(first->times, 1);
  EXPECT_THAT(a.calls(), SizeIs(1));

  // An aggregate answers with what it has.
  ScriptedProvider& b = Knows("b", 2);
  ScriptedProvider& c = Knows("c", 2);
  chain_.reset();
  b.latency = [] { return absl::Milliseconds(10); };
  c.latency = [] { return absl::Milliseconds(20); };
  OracleQuestion aggregate = Aggregate(1);
  aggregate.deadline = sim_.Now() + absl::Milliseconds(100);
  const auto third = Begin(aggregate);
  sim_.RunFor(absl::Milliseconds(100));
  EXPECT_THAT(third->answer->usd, Optional(2.0));
}

TEST_F(OracleGatesTest, ADeadSourceCostsFourFailuresAndThenNothingUntilItsProbe) {
  ScriptedProvider& a = Fails("a", Outcome::kUnavailable);
  Knows("b", 3);
  for (uint32_t i = 0; i < 3; ++i) Begin(i);
  for (uint32_t i = 10; i < 1'000; ++i) {
    Begin(i);
    sim_.RunFor(absl::Milliseconds(1));
  }
  const int opened = observer_.breaker[BreakerState::kOpen];
  EXPECT_GE(opened, 1);
  EXPECT_EQ(a.calls().size(), 3u + static_cast<size_t>(opened)) << "after four each call is a probe that failed";
  sim_.RunFor(absl::Seconds(1));
  const OracleAnswer answer = Ask(5'000);
  EXPECT_THAT(answer.usd, Optional(3.0));
}

TEST_F(OracleGatesTest, AProbeIsNotWaitedFor) {
  ScriptedProvider& a = Fails("a", Outcome::kUnavailable);
  Knows("b", 3);
  for (uint32_t i = 0; i < 10; ++i) Ask(i);
  const size_t before = a.calls().size();
  a.latency = [] { return absl::Seconds(2); };
  sim_.RunFor(absl::Minutes(2));
  const absl::Time start = sim_.Now();
  const auto asked = Begin(100);
  sim_.RunFor(absl::Milliseconds(200));
  EXPECT_THAT(asked->answer->usd, Optional(3.0));
  EXPECT_EQ(asked->at - start, absl::Milliseconds(105));
  EXPECT_EQ(a.calls().size(), before + 1);
  EXPECT_EQ(chain().providers()[0].breaker, "half_open");
  a.answer = [&](const chain::TokenRef&) { return Found(2, sim_.Now()); };
  sim_.RunFor(absl::Seconds(2));
  EXPECT_EQ(chain().providers()[0].breaker, "closed");
  a.latency = [] { return absl::Milliseconds(50); };
  sim_.RunFor(absl::Minutes(2));
  EXPECT_THAT(Ask(101).usd, Optional(2.0));
}

TEST_F(OracleGatesTest, ASlowCallIsHedgedAfterTheTimeItUsuallyTakes) {
  ScriptedProvider& a = Knows("a", 2);
  ScriptedProvider& b = Knows("b", 3);
  for (uint32_t i = 0; i < 20; ++i) {
    Begin(i);
    sim_.RunFor(absl::Milliseconds(200));
  }
  ASSERT_THAT(b.calls(), SizeIs(0));
  a.latency = [] { return absl::Seconds(2); };
  const absl::Time start = sim_.Now();
  const auto asked = Begin(100);
  sim_.RunFor(absl::Seconds(1));
  EXPECT_THAT(asked->answer->usd, Optional(3.0));
  // 115 until it is late, 5 of linger and 100 of b.
  EXPECT_EQ(asked->at - start, absl::Milliseconds(220));
  EXPECT_EQ(observer_.hedges, 1);
  EXPECT_EQ(observer_.hedges_won, 1);
}

TEST_F(OracleGatesTest, AQuestionThatStillWaitsForABusySourceGoesElsewhereForFree) {
  options_.lane.slow = absl::InfiniteDuration();
  options_.hedge_share = 0;
  ScriptedProvider::Options one;
  one.max_batch = 1;
  ScriptedProvider& a = Knows("a", 2, one);
  a.latency = [] { return absl::Milliseconds(2'900); };
  ScriptedProvider& b = Knows("b", 3);
  std::vector<std::shared_ptr<Asked>> asked;
  for (uint32_t i = 0; i < 40; ++i) asked.push_back(Begin(i));
  sim_.RunFor(absl::Seconds(1));
  // Four calls run, one of which the first credit hedges.
  int answered = 0;
  for (const auto& question : asked) answered += question->times;
  EXPECT_EQ(answered, 37);
  sim_.RunFor(absl::Seconds(4));
  EXPECT_THAT(a.calls(), SizeIs(4)) << "what was answered meanwhile is not asked any more";
  EXPECT_EQ(b.batches().front() + b.batches().back(), 37u);
}

TEST_F(OracleGatesTest, HedgesAreAShareOfTheQuestions) {
  ScriptedProvider& a = Knows("a", 2);
  ScriptedProvider& b = Knows("b", 3);
  // One call in five is late, but none so late that the other source goes first.
  int call = 0;
  a.latency = [&] { return absl::Milliseconds(++call % 5 == 0 ? 240 : 100); };
  for (uint32_t i = 0; i < 500; ++i) {
    Begin(i);
    sim_.RunFor(absl::Milliseconds(300));
  }
  EXPECT_LE(observer_.hedges, 51);
  EXPECT_LE(b.calls().size(), static_cast<size_t>(observer_.hedges));
}

TEST_F(OracleGatesTest, ASourceWithoutBudgetIsPassedOver) {
  ScriptedProvider::Options three;
  three.budget.requests = 3;
  ScriptedProvider& a = Knows("a", 2, three);
  Knows("b", 3);
  for (uint32_t i = 0; i < 10; ++i) {
    const auto asked = Begin(i);
    sim_.RunFor(absl::Seconds(2));
    ASSERT_TRUE(asked->answer.has_value());
    EXPECT_THAT(asked->answer->usd, Optional(i < 3 ? 2.0 : 3.0));
    EXPECT_EQ(asked->answer->sources.size(), i < 3 ? 1u : 2u);
  }
  EXPECT_THAT(a.calls(), SizeIs(3));
  EXPECT_EQ(chain().providers()[0].budget_remaining, 0);
  EXPECT_EQ(chain().providers()[0].budget_limit, 3);
  // Also when the budget ends between the look and the call.
  std::vector<OracleQuestion> many;
  for (uint32_t i = 0; i < 200; ++i) many.push_back({Token(1'000 + i)});
  sim_.RunFor(absl::Minutes(2));
  std::vector<OracleAnswer> answers;
  chain().AskMany(many, [&](std::vector<OracleAnswer> said) { answers = std::move(said); });
  sim_.RunFor(absl::Seconds(5));
  ASSERT_THAT(answers, SizeIs(200));
  for (const OracleAnswer& answer : answers) EXPECT_TRUE(answer.usd.has_value());
  EXPECT_THAT(a.calls(), SizeIs(6));
}

TEST_F(OracleGatesTest, WhereBudgetIsScarceCallsWaitToBeFull) {
  ScriptedProvider::Options ten;
  ten.budget.requests = 10;
  ScriptedProvider& a = Knows("a", 2, ten);
  int without = 0;
  int answered = 0;
  for (uint32_t i = 0; i < 30; ++i) {
    chain().Ask({Token(i)}, [&](const OracleAnswer& answer) {
      ++answered;
      if (!answer.usd.has_value()) ++without;
    });
    sim_.RunFor(absl::Milliseconds(100));
  }
  sim_.RunFor(absl::Seconds(5));
  EXPECT_EQ(answered, 30);
  EXPECT_LE(a.calls().size(), 10u);
  EXPECT_GT(a.batches().back(), 5u);
  EXPECT_EQ(without, 0) << "one a call, ten calls would have been used up in a second";
}

TEST_F(OracleGatesTest, WhenNoneHasBudgetTheAnswerSaysSo) {
  ScriptedProvider::Options one;
  one.budget.requests = 1;
  Knows("a", 2, one);
  Ask(1);
  const OracleAnswer answer = Ask(2);
  EXPECT_EQ(answer.usd, std::nullopt);
  EXPECT_THAT(answer.reason, HasSubstr("no_budget"));
  ASSERT_THAT(answer.sources, SizeIs(1));
  EXPECT_EQ(answer.sources[0].outcome, Outcome::kNoBudget);
}

TEST_F(OracleGatesTest, ASourceThatFailedIsTriedAgainWhenNoOtherKnows) {
  int calls = 0;
  Knows("a", 2).answer = [&](const chain::TokenRef&) {
    return ++calls == 1 ? Failed(Outcome::kUnavailable) : Found(2, sim_.Now());
  };
  Fails("b", Outcome::kNotFound);
  EXPECT_THAT(Ask(1).usd, Optional(2.0));
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(observer_.retries, 1);
}

TEST_F(OracleGatesTest, RetriesAreAShareOfTheCalls) {
  int calls = 0;
  Knows("a", 2).answer = [&](const chain::TokenRef&) {
    // Fails often, but never so often that the breaker opens.
    return ++calls % 6 == 0 ? Failed(Outcome::kUnavailable) : Found(2, sim_.Now());
  };
  int without = 0;
  for (uint32_t i = 0; i < 1'200; ++i) {
    const auto asked = Begin(i);
    sim_.RunFor(absl::Seconds(1));
    if (!asked->answer->usd.has_value()) ++without;
  }
  EXPECT_GT(observer_.retries, 90);
  EXPECT_LE(observer_.retries, calls / 10 + 1);
  EXPECT_GT(without, 0) << "the share is smaller than the failures";
}

TEST_F(OracleGatesTest, AnAggregateRetriesWhileItWaitsForOthers) {
  int calls = 0;
  Knows("a", 2).answer = [&](const chain::TokenRef&) {
    return ++calls == 1 ? Failed(Outcome::kBadAnswer) : Found(2, sim_.Now());
  };
  Knows("b", 2);
  EXPECT_THAT(Ask(Aggregate(1)).usd, Optional(2.0));
  EXPECT_EQ(calls, 2);
}

TEST_F(OracleGatesTest, TooManyAreRefusedAtOnce) {
  options_.max_waiting = 100;
  Knows("a", 2);
  std::vector<std::shared_ptr<Asked>> asked;
  for (uint32_t i = 0; i < 150; ++i) asked.push_back(Begin(i % 3));
  EXPECT_EQ(asked[99]->times, 0);
  EXPECT_EQ(asked[100]->times, 1);
  EXPECT_EQ(asked[149]->answer->reason, "too many questions wait for an answer");
  sim_.RunFor(absl::Seconds(1));
  EXPECT_THAT(asked[99]->answer->usd, Optional(2.0));
  EXPECT_EQ(chain().sizes().waiting, 0u);
  EXPECT_EQ(Begin(50)->times, 0);
}

}  // namespace
}  // namespace tokenwatch::pricing

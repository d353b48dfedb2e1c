#include "pricing/oracle/chain/oracle_chain.h"

#include <cmath>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "pricing/oracle/providers/local.h"
#include "pricing/oracle/testing/chain_test.h"
#include "pricing/oracle/testing/simulation.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::ElementsAre;
using testing::Failed;
using testing::Found;
using ::testing::HasSubstr;
using ::testing::Optional;
using testing::ScriptedProvider;
using testing::Simulation;
using ::testing::SizeIs;
using testing::Token;

using OracleChainTest = testing::ChainTest;

TEST_F(OracleChainTest, TheFirstThatHasAPriceAnswersAndTheNextIsNotAsked) {
  Knows("a", 2).answer = [&](const chain::TokenRef&) { return Found(2, sim_.Now(), 1'000); };
  ScriptedProvider& b = Knows("b", 3);
  const OracleAnswer answer = Ask(1);
  EXPECT_THAT(answer.usd, Optional(2.0));
  EXPECT_THAT(answer.liquidity_usd, Optional(1'000.0));
  EXPECT_EQ(answer.confidence_bps, std::nullopt);
  EXPECT_FALSE(answer.is_quorum);
  ASSERT_THAT(answer.sources, SizeIs(1));
  EXPECT_EQ(answer.sources[0].source.text(), "a");
  EXPECT_TRUE(answer.sources[0].used);
  EXPECT_EQ(answer.event_time, answer.sources[0].observation->heard_at);
  EXPECT_THAT(b.calls(), SizeIs(0));
}

TEST_F(OracleChainTest, EveryWayToHaveNoPriceLeadsToTheNextSource) {
  uint32_t token = 0;
  for (const Outcome outcome : {Outcome::kNotFound, Outcome::kNoPrice, Outcome::kBadAnswer, Outcome::kRateLimited,
                                Outcome::kTimeout, Outcome::kUnavailable, Outcome::kRefused}) {
    Simulation sim;
    ScriptedProvider& a = sim.Add("a");
    a.answer = [&](const chain::TokenRef&) { return Failed(outcome); };
    ScriptedProvider& b = sim.Add("b");
    b.answer = [&](const chain::TokenRef&) { return Found(3, sim.Now()); };
    OracleChain chain(options_, sim.providers(), sim.loop(), common::SeededRandom(1), observer_);
    std::optional<OracleAnswer> answer;
    chain.Ask({Token(++token)}, [&](OracleAnswer said) { answer = std::move(said); });
    sim.RunFor(absl::Seconds(10));
    ASSERT_TRUE(answer.has_value());
    EXPECT_THAT(answer->usd, Optional(3.0)) << ToWord(outcome);
    ASSERT_THAT(answer->sources, SizeIs(2));
    EXPECT_EQ(answer->sources[1].outcome, outcome);
    EXPECT_FALSE(answer->sources[1].used);
  }
}

TEST_F(OracleChainTest, NothingIsInvented) {
  for (const double wrong : {0.0, -1.0, std::nan(""), HUGE_VAL}) {
    Knows(absl::StrCat("says ", wrong), wrong);
  }
  Fails("b", Outcome::kUnavailable);
  for (const OracleQuestion& question : {OracleQuestion{Token(1)}, Aggregate(2, 1)}) {
    const OracleAnswer answer = Ask(question);
    EXPECT_EQ(answer.usd, std::nullopt);
    EXPECT_FALSE(answer.reason.empty());
    for (const SourceReport& report : answer.sources) {
      EXPECT_FALSE(report.used);
      EXPECT_FALSE(report.observation.has_value());
    }
  }
  EXPECT_EQ(chain().sizes().cached, 0u);
  const OracleQuestion evm{
      {chain::Chain::kBase, chain::Address::ParseEvm(std::string("0x") + std::string(40, 'a')).value()}};
  for (Provider* provider : sim_.providers()) {
    static_cast<ScriptedProvider*>(provider)->serves = [](const chain::TokenRef& token) {
      return token.chain == chain::Chain::kSolana;
    };
  }
  EXPECT_EQ(Ask(evm).reason, "no source serves base");
}

TEST_F(OracleChainTest, TenThousandEqualAsksAreOneCall) {
  ScriptedProvider& a = Knows("a", 2);
  std::vector<std::shared_ptr<Asked>> asked;
  for (int i = 0; i < 10'000; ++i) asked.push_back(Begin(1));
  // Others want the same by other rules.
  asked.push_back(Begin(Aggregate(1, 1)));
  sim_.RunFor(absl::Seconds(1));
  for (const auto& one : asked) {
    ASSERT_EQ(one->times, 1);
    EXPECT_THAT(one->answer->usd, Optional(2.0));
  }
  EXPECT_THAT(a.batches(), ElementsAre(1u));
  EXPECT_EQ(observer_.joined, 1);
}

TEST_F(OracleChainTest, ManyTokensFillBatches) {
  ScriptedProvider& a = Knows("a", 2);
  std::vector<OracleQuestion> questions;
  for (uint32_t i = 0; i < 65; ++i) questions.push_back({Token(i)});
  questions.push_back({Token(3)});
  std::vector<OracleAnswer> answers;
  chain().AskMany(questions, [&](std::vector<OracleAnswer> said) { answers = std::move(said); });
  sim_.RunFor(absl::Seconds(1));
  ASSERT_THAT(answers, SizeIs(66));
  for (const OracleAnswer& answer : answers) EXPECT_THAT(answer.usd, Optional(2.0));
  EXPECT_THAT(a.batches(), ElementsAre(30u, 30u, 5u));
  // Two that come a moment apart share a call, too.
  Begin(100);
  sim_.RunFor(absl::Milliseconds(3));
  Begin(101);
  sim_.RunFor(absl::Seconds(1));
  EXPECT_EQ(a.batches().back(), 2u);
  bool called = false;
  chain().AskMany({}, [&](const std::vector<OracleAnswer>& none) { called = none.empty(); });
  EXPECT_TRUE(called);
}

TEST_F(OracleChainTest, AnswersComeFromTheCacheWhileTheyAreFresh) {
  ScriptedProvider& a = Knows("a", 2);
  Ask(1);  // takes ten seconds: what was heard is stale then
  ASSERT_THAT(a.calls(), SizeIs(1));
  a.answer = [&](const chain::TokenRef&) { return Found(4, sim_.Now()); };
  // Stale: answered at once, while a fresh one is fetched, once.
  for (int i = 0; i < 5; ++i) {
    const auto stale = Begin(1);
    ASSERT_EQ(stale->times, 1) << "inside Ask";
    EXPECT_TRUE(stale->answer->is_stale);
    EXPECT_THAT(stale->answer->usd, Optional(2.0));
  }
  sim_.RunFor(absl::Seconds(1));
  EXPECT_THAT(a.calls(), SizeIs(2));
  const auto fresh = Begin(1);
  ASSERT_EQ(fresh->times, 1);
  EXPECT_FALSE(fresh->answer->is_stale);
  EXPECT_THAT(fresh->answer->usd, Optional(4.0));
  EXPECT_EQ(observer_.answered[AnsweredBy::kStaleCache], 5);
  EXPECT_EQ(observer_.answered[AnsweredBy::kCache], 1);

  sim_.RunFor(absl::Seconds(4));
  OracleQuestion young{Token(1)};
  young.max_age = absl::Seconds(2);
  EXPECT_EQ(Begin(young)->times, 0) << "older than the caller takes";
  sim_.RunFor(absl::Seconds(1));
  OracleQuestion refresh{Token(1)};
  refresh.refresh = true;
  EXPECT_EQ(Begin(refresh)->times, 0);
  sim_.RunFor(absl::Minutes(2));
  EXPECT_EQ(Begin(1)->times, 0) << "past any use";
}

TEST_F(OracleChainTest, AStaleAnswerOutlivesSourcesThatFailButNotForEver) {
  ScriptedProvider& a = Knows("a", 2);
  Ask(1);
  a.answer = [](const chain::TokenRef&) { return Failed(Outcome::kUnavailable); };
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(Begin(1)->answer->is_stale);
    sim_.RunFor(absl::Seconds(1));
  }
  sim_.RunFor(absl::Seconds(10));
  EXPECT_EQ(Ask(1).usd, std::nullopt);
}

TEST_F(OracleChainTest, AnAggregateAnswersBothPoliciesAndAFirstGoodOne) {
  ScriptedProvider& a = Knows("a", 2);
  Knows("b", 2.0001);
  const auto first = Begin(1);
  sim_.RunFor(absl::Seconds(1));
  ASSERT_EQ(first->times, 1);
  EXPECT_EQ(Begin(Aggregate(1))->times, 0) << "one source is not two";
  sim_.RunFor(absl::Seconds(1));
  EXPECT_EQ(Begin(Aggregate(1))->times, 1);
  EXPECT_EQ(Begin(Aggregate(1, 3))->times, 0);
  EXPECT_THAT(Begin(1)->answer->sources, SizeIs(2));
  const size_t calls = a.calls().size();
  sim_.RunFor(absl::Seconds(1));
  EXPECT_EQ(a.calls().size(), calls + 1) << "for the three";
}

TEST_F(OracleChainTest, TheCacheIsBounded) {
  options_.cache.capacity = 10;
  Knows("a", 2);
  for (uint32_t i = 0; i < 100; ++i) Begin(i);
  sim_.RunFor(absl::Seconds(1));
  EXPECT_EQ(chain().sizes().cached, 10u);
}

TEST_F(OracleChainTest, ASourceThatDoesNotKnowATokenIsSparedForEverLonger) {
  ScriptedProvider& a = Fails("a", Outcome::kNotFound);
  const absl::Time start = sim_.Now();
  const absl::Time end = start + absl::Hours(1);
  while (sim_.Now() < end) {
    Begin(1);
    sim_.RunFor(absl::Milliseconds(100));
  }
  // After 1, 2, 4, ... 512 and then each 600 seconds.
  ASSERT_THAT(a.calls(), SizeIs(15));
  for (size_t i = 1; i < a.calls().size(); ++i) {
    const double gap = absl::ToDoubleSeconds(a.calls()[i] - a.calls()[i - 1]);
    EXPECT_NEAR(gap, std::min(std::exp2(i - 1), 600.0), 0.5);
  }
  EXPECT_GT(observer_.spared, 30'000);
  const OracleAnswer spared = Ask(1);
  EXPECT_THAT(spared.reason, HasSubstr("not_found"));

  // A launch lifts that, as does asking afresh.
  chain().ForgetNotFound(Token(1));
  Ask(1);
  EXPECT_THAT(a.calls(), SizeIs(16));
  OracleQuestion refresh{Token(1)};
  refresh.refresh = true;
  Ask(refresh);
  EXPECT_THAT(a.calls(), SizeIs(17));
  EXPECT_EQ(chain().providers()[0].failures, 0) << "not to know a token is no failure";
}

TEST_F(OracleChainTest, AnObservationThatIsTooOldIsToldButNotUsed) {
  Knows("a", 2).answer = [&](const chain::TokenRef&) {
    ProviderAnswer answer = Found(2, sim_.Now());
    answer.observations[0].event_time = sim_.Now() - absl::Minutes(5);
    return answer;
  };
  Knows("b", 3);
  OracleQuestion question{Token(1)};
  question.max_age = absl::Minutes(1);
  const OracleAnswer answer = Ask(question);
  EXPECT_THAT(answer.usd, Optional(3.0));
  ASSERT_THAT(answer.sources, SizeIs(2));
  EXPECT_EQ(answer.sources[1].rejected, "stale");
  EXPECT_TRUE(answer.sources[1].observation.has_value());
  question.max_age = absl::Minutes(10);
  question.refresh = true;
  const absl::Time asked_at = sim_.Now();
  EXPECT_EQ(Ask(question).event_time, asked_at + absl::Milliseconds(105) - absl::Minutes(5));
}

TEST_F(OracleChainTest, AnAggregateRejectsOutliersAndSaysSo) {
  Knows("a", 20);
  Knows("b", 2);
  Knows("c", 2.0002);
  Knows("d", 2.0001);
  Fails("e", Outcome::kUnavailable);
  const OracleAnswer answer = Ask(Aggregate(1, 3));
  EXPECT_NEAR(answer.usd.value(), 2.0001, 1e-9);
  EXPECT_TRUE(answer.is_quorum);
  EXPECT_LT(answer.confidence_bps.value(), 1);
  ASSERT_THAT(answer.sources, SizeIs(5));
  EXPECT_TRUE(answer.sources[0].used && answer.sources[1].used && answer.sources[2].used);
  EXPECT_EQ(answer.sources[3].rejected, "outlier");
  EXPECT_EQ(answer.sources[3].source.text(), "a");
  EXPECT_EQ(answer.sources[4].outcome, Outcome::kUnavailable);
  const OracleAnswer four = Ask(Aggregate(1, 4));
  EXPECT_EQ(four.usd, std::nullopt);
  EXPECT_EQ(four.reason, "3 of at least 4 sources agree");
}

TEST_F(OracleChainTest, NobodyIsLeftWithoutAnAnswer) {
  ScriptedProvider& a = Knows("a", 2);
  a.latency = [] { return absl::InfiniteDuration(); };
  const auto on_the_loop = Begin(1);
  sim_.RunFor(absl::Milliseconds(50));
  const auto on_its_way = Begin(2);
  chain_.reset();
  for (const auto& asked : {on_the_loop, on_its_way}) {
    ASSERT_EQ(asked->times, 1);
    EXPECT_EQ(asked->answer->usd, std::nullopt);
    EXPECT_EQ(asked->answer->reason, "the service is shutting down");
  }
  sim_.RunFor(absl::Minutes(1));
  EXPECT_EQ(on_the_loop->times, 1);
}

TEST_F(OracleChainTest, AnAnswerThatLacksTokensIsABadOne) {
  ScriptedProvider& a = Knows("a", 2);
  class Short final : public Provider {
   public:
    explicit Short(Provider& of) : of_(of) {}
    absl::string_view name() const override { return of_.name(); }
    size_t max_batch() const override { return of_.max_batch(); }
    bool Serves(const chain::TokenRef& token) const override { return of_.Serves(token); }
    common::RateGrant Admit() override { return of_.Admit(); }
    common::UpstreamBudget budget() const override { return of_.budget(); }
    void Ask(const std::vector<chain::TokenRef>& tokens, absl::Time deadline, ProviderCallback done) override {
      of_.Ask({tokens[0]}, deadline, std::move(done));
    }

   private:
    Provider& of_;
  } shorter(a);
  OracleChain chain(options_, {&shorter}, sim_.loop(), common::SeededRandom(1), observer_);
  std::vector<OracleAnswer> answers;
  chain.AskMany({{Token(1)}, {Token(2)}}, [&](std::vector<OracleAnswer> said) { answers = std::move(said); });
  sim_.RunFor(absl::Milliseconds(150));
  sim_.RunFor(absl::Seconds(10));
  ASSERT_THAT(answers, SizeIs(2));
  EXPECT_THAT(answers[0].usd, Optional(2.0));
  // Asked again alone, it gets its answer.
  EXPECT_THAT(answers[1].usd, Optional(2.0));
}

TEST_F(OracleChainTest, ASourceInTheProcessIsOneAmongOthers) {
  LocalProvider log("log", [&](const chain::TokenRef& token) {
    return token == Token(1) ? Found(5, sim_.Now()) : Failed(Outcome::kNotFound);
  });
  ScriptedProvider& a = Knows("a", 5.001);
  OracleChain chain(options_, {&log, &a}, sim_.loop(), common::SeededRandom(1), observer_);
  std::vector<OracleAnswer> answers;
  chain.AskMany({{Token(1)}, {Token(2)}, Aggregate(1)},
                [&](std::vector<OracleAnswer> said) { answers = std::move(said); });
  sim_.RunFor(absl::Seconds(1));
  ASSERT_THAT(answers, SizeIs(3));
  EXPECT_THAT(answers[0].usd, Optional(5.0));
  EXPECT_THAT(answers[1].usd, Optional(5.001));
  EXPECT_NEAR(answers[2].usd.value(), 5.0005, 1e-9);
  EXPECT_TRUE(answers[2].is_quorum);
}

TEST(OracleChain, AnswersThreadsThatAskAtOnce) {
  common::EventLoop loop(common::SystemClock::Instance());
  ScriptedProvider::Options options;
  ScriptedProvider provider("a", options, loop, common::SystemClock::Instance());
  provider.answer = [](const chain::TokenRef&) { return Found(2, absl::Now()); };
  provider.latency = [] { return absl::Milliseconds(1); };
  OracleObserver observer;
  std::stop_source stop;
  std::atomic<int> answered = 0;
  std::thread runner;
  {
    OracleChain chain({}, {&provider}, loop, common::SeededRandom(1), observer);
    runner = std::thread([&] { loop.Run(stop.get_token()); });
    std::vector<std::thread> askers;
    for (int thread = 0; thread < 4; ++thread) {
      askers.emplace_back([&chain, &answered] {
        for (uint32_t i = 0; i < 500; ++i) {
          chain.Ask({Token(i % 50)}, [&answered](const OracleAnswer&) { ++answered; });
          if (i % 100 == 0) chain.providers();
        }
      });
    }
    for (std::thread& asker : askers) asker.join();
    stop.request_stop();
    runner.join();
  }
  EXPECT_EQ(answered, 2'000);
}

}  // namespace
}  // namespace tokenwatch::pricing

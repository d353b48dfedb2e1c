#include "resolver/cascade/cascade.h"

#include <array>
#include <functional>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/time/fake_clock.h"

namespace tokenwatch::resolver {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TokenRef Token(uint32_t number) {
  std::array<uint8_t, 32> bytes{};
  for (int i = 0; i < 4; ++i) bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(number >> (8 * i));
  bytes[31] = 7;
  return {chain::Chain::kSolana, chain::Address::FromSolanaBytes(bytes)};
}

Answer Found(std::string name, std::string symbol = "SYM") {
  Answer answer;
  answer.outcome = Outcome::kFound;
  answer.provenance = "fake";
  answer.name = std::move(name);
  answer.symbol = std::move(symbol);
  return answer;
}

Answer Of(Outcome outcome, std::string detail = "") {
  Answer answer;
  answer.outcome = outcome;
  answer.detail = std::move(detail);
  return answer;
}

// A source on the fake clock: answers after `latency`, when the world delivers.
class FakeSource final : public Source {
 public:
  FakeSource(std::string name, size_t max_batch, common::FakeClock& clock)
      : name_(std::move(name)), max_batch_(max_batch), clock_(clock) {}

  absl::string_view name() const override { return name_; }
  size_t max_batch() const override { return max_batch_; }
  bool Serves(const Question& question) const override { return !needs_uri || !question.uri.empty(); }

  // A window budget: `limit` calls in each minute, none while closed.
  Admission Admit(absl::Time now) override {
    if (now < closed_until) return {false, closed_until};
    if (now >= window_end_) {
      window_end_ = now + absl::Minutes(1);
      used_ = 0;
    }
    if (used_ >= limit) return {false, window_end_};
    ++used_;
    return {true, {}};
  }
  BudgetState budget(absl::Time) const override { return {limit - used_, limit, used_, {}, closed_until}; }
  void Restore(const BudgetState&) override {}
  void CloseUntil(absl::Time until) override { closed_until = std::max(closed_until, until); }

  void Ask(const std::vector<Question>& questions, absl::Time now, AnswerCallback done) override {
    EXPECT_LE(questions.size(), max_batch_);
    EXPECT_GE(now, closed_until) << "a call inside a closed window";
    call_times.push_back(now);
    for (const Question& question : questions) asked.push_back(question.token);
    std::vector<Answer> answers;
    const bool limited = refuse_call && refuse_call(call_times.size());
    if (limited) closed_until = now + latency + absl::Seconds(20);
    for (const Question& question : questions) {
      Answer answer = limited ? Of(Outcome::kRateLimited) : reply(question);
      if (limited) answer.retry_at = closed_until;
      answers.push_back(std::move(answer));
    }
    pending.emplace(now + latency, [done = std::move(done), answers] { done(answers); });
  }

  bool needs_uri = false;
  int limit = 1'000'000;
  absl::Time closed_until = absl::InfinitePast();
  absl::Duration latency = absl::Milliseconds(50);
  std::function<Answer(const Question&)> reply = [](const Question&) { return Of(Outcome::kNotFound); };
  std::function<bool(size_t)> refuse_call;
  std::vector<absl::Time> call_times;
  std::vector<TokenRef> asked;
  std::multimap<absl::Time, std::function<void()>> pending;

 private:
  const std::string name_;
  const size_t max_batch_;
  common::FakeClock& clock_;
  absl::Time window_end_ = absl::InfinitePast();
  int used_ = 0;
};

class CascadeTest : public ::testing::Test {
 protected:
  void Make(std::vector<FakeSource*> sources, uint64_t seed = 1) {
    fakes_ = sources;
    cascade_ = std::make_unique<Cascade>(options_, std::vector<Source*>(sources.begin(), sources.end()),
                                         KnownTokens::BuiltIn(), clock_, common::SeededRandom(seed), observer_);
  }

  bool Submit(const TokenRef& token, absl::Duration lease = absl::Seconds(25), bool refresh = false) {
    Resolution known;
    known.token = token;
    return cascade_->Submit(known, clock_.Now() + lease, refresh);
  }

  // Lets time pass, event by event, collecting what ends; each ended round is handed to `stored_`.
  void Run(absl::Duration span) {
    const absl::Time end = clock_.Now() + span;
    for (int steps = 0; steps < 2'000'000; ++steps) {
      for (FakeSource* fake : fakes_) {
        while (!fake->pending.empty() && fake->pending.begin()->first <= clock_.Now()) {
          auto answer = std::move(fake->pending.begin()->second);
          fake->pending.erase(fake->pending.begin());
          answer();
        }
      }
      absl::Time next = cascade_->Pump();
      Collect();
      if (submit_due_) next = std::min(next, submit_due_());
      for (FakeSource* fake : fakes_) {
        if (!fake->pending.empty()) next = std::min(next, fake->pending.begin()->first);
      }
      if (next > end) break;
      ASSERT_GE(next + absl::Microseconds(1), clock_.Now());
      clock_.Set(std::max(next, clock_.Now()));
    }
    clock_.Set(end);
  }

  void Collect() {
    std::vector<Finished> finished = cascade_->TakeFinished(1000, absl::ZeroDuration(), {});
    cascade_->Stored(finished);
    for (Finished& one : finished) {
      ended_at_[one.resolution.token] = clock_.Now();
      if (on_finished_) on_finished_(one);
      done_.push_back(std::move(one));
    }
  }

  common::FakeClock clock_;
  CascadeOptions options_;
  CascadeObserver observer_;
  std::vector<FakeSource*> fakes_;
  std::unique_ptr<Cascade> cascade_;
  std::vector<Finished> done_;
  std::map<TokenRef, absl::Time> ended_at_;
  std::function<void(const Finished&)> on_finished_;
  std::function<absl::Time()> submit_due_;
};

TEST_F(CascadeTest, TheFirstSourceThatKnowsTheNameWins) {
  FakeSource chain("onchain", 50, clock_);
  FakeSource dex("dexscreener", 30, clock_);
  chain.reply = [](const Question& q) { return q.token == Token(1) ? Found("Pepe") : Of(Outcome::kNotFound); };
  dex.reply = [](const Question&) { return Found("Late"); };
  Make({&chain, &dex});
  const absl::Time start = clock_.Now();
  Submit(Token(1));
  Submit(Token(2));
  Run(absl::Seconds(1));

  ASSERT_EQ(done_.size(), 2u);
  EXPECT_EQ(done_[0].resolution.name.value, "Pepe");
  EXPECT_EQ(done_[0].resolution.state, State::kResolved);
  EXPECT_EQ(done_[0].resolution.attempts, 1);
  EXPECT_EQ(done_[0].verdict, Verdict::kNamed);
  EXPECT_EQ(done_[1].resolution.name.value, "Late");
  EXPECT_EQ(done_[1].attempts.size(), 2u);
  EXPECT_EQ(done_[1].attempts[0].outcome, Outcome::kNotFound);
  EXPECT_EQ(done_[1].attempts[1].latency, absl::Milliseconds(50));
  EXPECT_EQ(chain.call_times.size(), 1u);
  EXPECT_EQ(dex.call_times.size(), 1u);
  // Linger and latency of each source, and nothing else.
  EXPECT_LE(ended_at_[Token(1)] - start, absl::Milliseconds(61));
  EXPECT_LE(ended_at_[Token(2)] - start, absl::Milliseconds(122));
}

TEST_F(CascadeTest, AThousandTokensCostThirtyFourCalls) {
  FakeSource chain("onchain", 50, clock_);
  FakeSource uri("uri", 1, clock_);
  FakeSource dex("dexscreener", 30, clock_);
  uri.needs_uri = true;
  dex.reply = [](const Question&) { return Found("Name"); };
  Make({&chain, &uri, &dex});
  const absl::Time start = clock_.Now();
  for (uint32_t i = 0; i < 1000; ++i) ASSERT_TRUE(Submit(Token(i)));
  Run(absl::Seconds(3));
  EXPECT_EQ(done_.size(), 1000u);
  EXPECT_EQ(chain.call_times.size(), 20u);
  EXPECT_LE(dex.call_times.size(), 34u);
  for (const auto& [token, at] : ended_at_) EXPECT_LE(at - start, absl::Seconds(1));
}

TEST_F(CascadeTest, AUriFoundOnTheWayIsAsked) {
  FakeSource chain("onchain", 50, clock_);
  FakeSource uri("uri", 1, clock_);
  uri.needs_uri = true;
  chain.reply = [](const Question&) {
    Answer answer = Of(Outcome::kNotFound);
    answer.uri = "https://example.com/a.json";
    answer.decimals = 6;
    answer.provenance = "metaplex";
    return answer;
  };
  uri.reply = [](const Question& q) {
    EXPECT_EQ(q.uri, "https://example.com/a.json");
    return Found("Pepe");
  };
  Make({&uri, &chain});  // the order of asking is not the order of knowing
  Submit(Token(1));
  Run(absl::Seconds(1));
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].resolution.name.value, "Pepe");
  EXPECT_EQ(done_[0].resolution.uri.source, "metaplex");
  EXPECT_EQ(done_[0].resolution.decimals, 6u);
  EXPECT_EQ(done_[0].resolution.decimals_source, "metaplex");
}

TEST_F(CascadeTest, HostileNamesAreCleanedAndPlaceholdersAreNoNames) {
  FakeSource chain("onchain", 50, clock_);
  std::map<TokenRef, std::string> names = {{Token(1), "\u202EepeP\u200B"}, {Token(2), "\u3164\u200B"},
                                           {Token(3), "unknown"},          {Token(4), std::string(10'000, 'x')},
                                           {Token(5), "USD\u0421"},        {Token(6), "a\xff\xfe\nb"}};
  chain.reply = [&](const Question& q) { return Found(names[q.token]); };
  Make({&chain});
  for (const auto& [token, name] : names) Submit(token);
  Run(absl::Seconds(1));
  std::map<TokenRef, Finished> by_token;
  for (const Finished& one : done_) by_token[one.resolution.token] = one;
  EXPECT_EQ(by_token[Token(1)].resolution.name.value, "epeP");
  EXPECT_TRUE(by_token[Token(1)].resolution.name.sanitized);
  EXPECT_EQ(by_token[Token(2)].verdict, Verdict::kNotFound);
  EXPECT_EQ(by_token[Token(3)].verdict, Verdict::kNotFound);
  EXPECT_THAT(by_token[Token(3)].resolution.reason, HasSubstr("placeholder"));
  EXPECT_LE(by_token[Token(4)].resolution.name.value.size(), kMaxNameBytes);
  EXPECT_EQ(ToText(*by_token[Token(5)].resolution.imitates), "solana:EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v");
  EXPECT_EQ(by_token[Token(6)].resolution.name.value, "a b");
}

TEST_F(CascadeTest, BackoffThenDeadLetter) {
  options_.retry = {.initial = absl::Seconds(5), .cap = absl::Minutes(10), .max_attempts = 3};
  FakeSource chain("onchain", 50, clock_);
  chain.reply = [](const Question&) { return Of(Outcome::kTimeout, "3 s"); };
  Make({&chain});
  Resolution known;
  known.token = Token(1);
  for (int round = 1; round <= 3; ++round) {
    ASSERT_TRUE(cascade_->Submit(known, clock_.Now() + absl::Seconds(25), false));
    Run(absl::Seconds(1));
    ASSERT_EQ(done_.size(), static_cast<size_t>(round));
    known = done_.back().resolution;
    EXPECT_EQ(known.attempts, round);
    EXPECT_EQ(done_.back().verdict, Verdict::kUnavailable);
    EXPECT_THAT(known.reason, HasSubstr("onchain: timeout (3 s)"));
    if (round < 3) {
      EXPECT_EQ(known.state, State::kPending);
      EXPECT_LT(known.next_attempt_at - ended_at_[Token(1)], absl::Seconds(5 * round));
      EXPECT_GE(known.next_attempt_at, ended_at_[Token(1)]);
    }
  }
  EXPECT_EQ(known.state, State::kDeadLetter);
  EXPECT_EQ(known.next_attempt_at, absl::InfiniteFuture());
}

TEST_F(CascadeTest, NotFoundIsRememberedAndSparesTheSource) {
  FakeSource chain("onchain", 50, clock_);
  FakeSource dex("dexscreener", 30, clock_);
  dex.reply = [](const Question&) { return Of(Outcome::kUnavailable); };
  Make({&chain, &dex});
  Submit(Token(1));
  Run(absl::Seconds(1));
  // dexscreener failed, so it is worth asking again soon; onchain is not asked again then.
  EXPECT_LE(done_.back().resolution.next_attempt_at - clock_.Now(), absl::Seconds(5));
  Submit(Token(1));
  Run(absl::Seconds(1));
  EXPECT_EQ(chain.call_times.size(), 1u);
  EXPECT_EQ(dex.call_times.size(), 2u);

  dex.reply = [](const Question&) { return Of(Outcome::kNotFound); };
  Submit(Token(1));
  Run(absl::Seconds(1));
  // Now every source has said that it does not know: there is nothing to ask for most of a minute.
  EXPECT_GE(done_.back().resolution.next_attempt_at - clock_.Now(), absl::Seconds(50));
  const int attempts = done_.back().resolution.attempts;
  Submit(Token(1));
  Run(absl::Seconds(1));
  EXPECT_EQ(done_.back().resolution.attempts, 0) << "a round in which nobody was asked is no attempt";
  EXPECT_EQ(attempts, 1);
  EXPECT_EQ(dex.call_times.size(), 3u);
  // A refresh asks anyway.
  Submit(Token(1), absl::Seconds(25), true);
  Run(absl::Seconds(1));
  EXPECT_EQ(chain.call_times.size(), 2u);
  EXPECT_EQ(dex.call_times.size(), 4u);
}

TEST_F(CascadeTest, ARefreshWithoutAnAnswerKeepsTheName) {
  FakeSource chain("onchain", 50, clock_);
  Make({&chain});
  Resolution known;
  known.token = Token(1);
  known.state = State::kResolved;
  known.name = {"Pepe", "metaplex", clock_.Now(), false};
  known.attempts = 2;
  cascade_->Submit(known, clock_.Now() + absl::Seconds(25), true);
  Run(absl::Seconds(1));
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].resolution, known);
  EXPECT_EQ(done_[0].verdict, Verdict::kNotFound);
}

TEST_F(CascadeTest, AClosedSourceIsPassedOverAndReturnedTo) {
  FakeSource chain("onchain", 50, clock_);
  FakeSource dex("dexscreener", 30, clock_);
  chain.closed_until = clock_.Now() + absl::Seconds(10);
  chain.reply = [](const Question&) { return Found("OnChain"); };
  Make({&chain, &dex});
  const absl::Time start = clock_.Now();
  Submit(Token(1));
  Run(absl::Seconds(5));
  EXPECT_EQ(dex.call_times.size(), 1u) << "the next source was asked meanwhile";
  EXPECT_TRUE(done_.empty());
  Run(absl::Seconds(10));
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].resolution.name.value, "OnChain");
  EXPECT_EQ(done_[0].resolution.attempts, 1);
  EXPECT_EQ(chain.call_times.size(), 1u);
  EXPECT_GE(chain.call_times[0], start + absl::Seconds(10));
}

TEST_F(CascadeTest, WaitingForBudgetBeyondTheLeaseIsNoAttempt) {
  FakeSource chain("onchain", 50, clock_);
  chain.closed_until = clock_.Now() + absl::Minutes(5);
  Make({&chain});
  Submit(Token(1));
  Run(absl::Seconds(30));
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].verdict, Verdict::kInterrupted);
  EXPECT_EQ(done_[0].resolution.attempts, 0);
  EXPECT_EQ(done_[0].resolution.next_attempt_at, chain.closed_until);
  EXPECT_TRUE(chain.call_times.empty());
}

TEST_F(CascadeTest, BoundsAndDuplicates) {
  options_.capacity = 2;
  FakeSource chain("onchain", 50, clock_);
  Make({&chain});
  EXPECT_TRUE(Submit(Token(1)));
  EXPECT_FALSE(Submit(Token(1)));
  EXPECT_EQ(cascade_->Room(), 1u);
  EXPECT_TRUE(Submit(Token(2)));
  EXPECT_FALSE(Submit(Token(3)));
  EXPECT_TRUE(cascade_->Contains(Token(2)));
  int told = 0;
  EXPECT_TRUE(cascade_->Wait(Token(2), [&](const Finished&) { ++told; }));
  EXPECT_FALSE(cascade_->Wait(Token(3), [&](const Finished&) { ++told; }));
  Run(absl::Seconds(1));
  EXPECT_EQ(told, 1);
  EXPECT_EQ(cascade_->Room(), 2u);
}

TEST_F(CascadeTest, DrainInterruptsWhatWaitsAndLetsCallsEnd) {
  FakeSource chain("onchain", 1, clock_);
  options_.max_parallel_calls = 1;
  chain.reply = [](const Question&) { return Found("Name"); };
  Make({&chain});
  Submit(Token(1));
  Submit(Token(2));
  Run(absl::Milliseconds(20));
  cascade_->Drain();
  EXPECT_FALSE(Submit(Token(3)));
  EXPECT_FALSE(cascade_->Idle());
  Run(absl::Milliseconds(100));
  EXPECT_TRUE(cascade_->Idle());
  ASSERT_EQ(done_.size(), 2u);
  EXPECT_EQ(done_[0].verdict, Verdict::kInterrupted);
  EXPECT_EQ(done_[0].resolution.attempts, 0);
  EXPECT_EQ(done_[1].verdict, Verdict::kNamed);
  EXPECT_EQ(chain.call_times.size(), 1u);
}

TEST_F(CascadeTest, AnUnservedChainBecomesADeadLetter) {
  options_.retry.max_attempts = 1;
  FakeSource uri("uri", 1, clock_);
  uri.needs_uri = true;
  Make({&uri});
  Submit(Token(1));
  Run(absl::Seconds(1));
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].resolution.state, State::kDeadLetter);
  EXPECT_EQ(done_[0].resolution.reason, "no source serves solana");
}

// Ten minutes of a busy market against a source that allows 60 calls a minute and refuses now and then.
class TenMinutes : public CascadeTest {
 protected:
  std::string Simulate(uint64_t seed) {
    FakeSource chain("onchain", 50, clock_);
    FakeSource dex("dexscreener", 30, clock_);
    dex.limit = 60;
    dex.latency = absl::Milliseconds(80);
    dex.refuse_call = [](size_t call) { return call % 37 == 0; };
    common::UniformRandom random = common::SeededRandom(seed);
    dex.reply = [&](const Question&) {
      const double draw = random();
      return draw < 0.6 ? Found("Name") : Of(draw < 0.9 ? Outcome::kNotFound : Outcome::kUnavailable);
    };
    Make({&chain, &dex}, seed);
    // Due tokens come back as a claim would bring them.
    std::multimap<absl::Time, Resolution> due;
    for (uint32_t i = 0; i < 3000; ++i) {
      Resolution known;
      known.token = Token(i);
      due.emplace(clock_.Now() + absl::Milliseconds(200) * i, known);
    }
    on_finished_ = [&](const Finished& one) {
      if (one.resolution.state == State::kPending) due.emplace(one.resolution.next_attempt_at, one.resolution);
    };
    submit_due_ = [&] {
      while (!due.empty() && due.begin()->first <= clock_.Now() &&
             cascade_->Submit(due.begin()->second, clock_.Now() + absl::Seconds(25), false)) {
        due.erase(due.begin());
      }
      return due.empty() ? absl::InfiniteFuture() : std::max(due.begin()->first, clock_.Now() + absl::Milliseconds(1));
    };
    Run(absl::Minutes(10));
    EXPECT_GT(dex.call_times.size(), 100u);
    // In no minute more calls than the budget allows (two windows of the fake touch in any minute).
    for (size_t i = 0; i + 120 < dex.call_times.size(); ++i) {
      EXPECT_GT(dex.call_times[i + 120] - dex.call_times[i], absl::Minutes(1));
    }
    std::string trace;
    int named = 0;
    for (const Finished& one : done_) {
      named += one.verdict == Verdict::kNamed ? 1 : 0;
      absl::StrAppend(&trace, ToText(one.resolution.token), VerdictName(one.verdict), one.resolution.attempts,
                      absl::FormatTime(one.resolution.next_attempt_at), "\n");
    }
    EXPECT_GT(named, 1000);
    return trace;
  }
};

TEST_F(TenMinutes, BudgetIsNeverExceededAndNoCallIsWasted) { Simulate(3); }

TEST_F(TenMinutes, TheSameSeedGivesTheSameRun) {
  const absl::Time start = clock_.Now();
  const std::string first = Simulate(5);
  clock_.Set(start);
  done_.clear();
  const std::string second = Simulate(5);
  EXPECT_EQ(first, second);
}

}  // namespace
}  // namespace tokenwatch::resolver

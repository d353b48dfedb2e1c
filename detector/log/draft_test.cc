#include "detector/log/draft.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detector/log/fake_store_for_test.h"
#include "detector/samples_for_test.h"

namespace tokenwatch::detector {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = SampleTime(5000);

class DraftTest : public ::testing::Test {
 protected:
  explicit DraftTest(size_t window_trades = 100, size_t known_tokens = 100) : memory_(window_trades, known_tokens) {
    session_ = *store_.OpenLogSession(absl::InfiniteFuture());
    memory_.heads = *session_->ReadHeads();
  }

  std::unique_ptr<Draft> Make(const std::vector<Intake>& intake) {
    pointers_.clear();
    for (const Intake& each : intake) pointers_.push_back(&each);
    auto draft = Draft::Make(pointers_, *session_, memory_, kNow, limits_);
    EXPECT_TRUE(draft.ok()) << draft.status();
    return *std::move(draft);
  }

  // Makes and writes it; the outcomes.
  std::vector<IntakeOutcome> Commit(const std::vector<Intake>& intake) {
    const auto draft = Make(intake);
    EXPECT_TRUE(session_->Write(draft->commit()).ok());
    memory_.heads = draft->commit().heads;
    EXPECT_THAT(store_.tables().broken_rules, IsEmpty());
    return draft->outcomes();
  }

  FakeStore store_;
  std::unique_ptr<LogSession> session_;
  WriterMemory memory_;
  Draft::Limits limits_;
  std::vector<const Intake*> pointers_;
};

TEST_F(DraftTest, CursorsFollowTheHeadsInTheOrderOfTheIntake) {
  Commit({SampleIntake("solana", SampleTrade(1, 0, 1), SampleLaunch(2, "Two"))});
  const auto draft = Make({SampleIntake("solana", SampleTrade(2, 0, 1), SampleTrade(2, 1, 3)),
                           SampleIntake("pumpportal", SampleTrade(3, 0, 2))});
  const auto& commit = draft->commit();
  ASSERT_EQ(commit.trades.size(), 3u);
  EXPECT_EQ(commit.trades[0].cursor, 2u);
  EXPECT_EQ(commit.trades[2].cursor, 4u);
  EXPECT_EQ(commit.trades[2].transaction, SampleTransaction(3));
  EXPECT_EQ(commit.heads.trade_cursor, 4u);
  ASSERT_EQ(commit.events.size(), 1u) << "only token 3 is new";
  EXPECT_EQ(commit.events[0].cursor, 3u);
  EXPECT_EQ(commit.heads.token_cursor, 3u);
  EXPECT_EQ(draft->outcomes()[0].accepted, 2);
  EXPECT_EQ(draft->outcomes()[0].trade_cursor, 3u);
  EXPECT_EQ(draft->outcomes()[1].trade_cursor, 4u);
}

TEST_F(DraftTest, HeadsKeepTheLatestTimesOfBothKinds) {
  const auto draft = Make({SampleIntake("solana", SampleTrade(1, 0, 1, 50), SampleTrade(2, 0, 1, 40),
                                        WithoutIndex(SampleTrade(3, 0, 1, 70), absl::ZeroDuration()))});
  EXPECT_EQ(draft->commit().heads.latest_trade, SampleTime(50));
  EXPECT_EQ(draft->commit().heads.latest_loose_trade, SampleTime(70));
}

TEST_F(DraftTest, RepeatsWithinAndAcrossCommitsAreDuplicates) {
  auto outcomes = Commit({SampleIntake("solana", SampleTrade(1, 0), SampleTrade(1, 0)),
                          SampleIntake("pumpportal", WithoutIndex(SampleTrade(1, 0)))});
  EXPECT_EQ(outcomes[0].accepted, 1);
  EXPECT_EQ(outcomes[0].duplicates, 1);
  EXPECT_EQ(outcomes[1].duplicates, 1);
  outcomes = Commit({SampleIntake("solana", SampleTrade(1, 0), SampleTrade(1, 1))});
  EXPECT_EQ(outcomes[0].accepted, 1);
  EXPECT_EQ(outcomes[0].duplicates, 1);
  EXPECT_EQ(store_.tables().trades.size(), 2u);
}

TEST_F(DraftTest, FeedsAreCountedByWhatTheyToldFirst) {
  const auto draft =
      Make({SampleIntake("solana", SampleTrade(1, 0, 2), SampleLaunch(2, "Two"), FrameRefused{"x", "", ""}),
            SampleIntake("pumpportal", SampleLaunch(2, "Two"), WithoutIndex(SampleTrade(1, 0, 2)))});
  const FeedCounts& first = draft->feed_counts()[0].second;
  EXPECT_EQ(draft->feed_counts()[0].first.text(), "solana");
  EXPECT_EQ(first.trades, 1u);
  EXPECT_EQ(first.launches, 1u);
  EXPECT_EQ(first.quarantined, 1u);
  EXPECT_EQ(first.duplicates, 0u);
  const FeedCounts& second = draft->feed_counts()[1].second;
  EXPECT_EQ(second.trades, 0u);
  EXPECT_EQ(second.duplicates, 2u) << "a feed's name more is no news";
}

TEST_F(DraftTest, QuarantineCutsWhatIsTooLongAndCleansTexts) {
  limits_.max_raw_bytes = 4;
  const auto draft = Make({SampleIntake("solana",
                                        FrameRefused{"bad_json",
                                                     "a\x07"
                                                     "b",
                                                     "12345"},
                                        FrameRefused{"bad_json", "", "1234"})});
  const auto& frames = draft->commit().quarantine;
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].id, 1u);
  EXPECT_EQ(frames[0].raw, "1234");
  EXPECT_TRUE(frames[0].raw_cut);
  EXPECT_EQ(frames[0].detail, "ab");
  EXPECT_EQ(frames[0].received_at, SampleTime(100));
  EXPECT_FALSE(frames[1].raw_cut);
  EXPECT_EQ(draft->commit().heads.quarantine_id, 2u);
  EXPECT_EQ(draft->outcomes()[0].quarantined, 2);
}

TEST_F(DraftTest, OnlyTheLastPositionOfASourceIsSaved) {
  std::vector<Intake> intake(3);
  intake[0].batch.position = FeedPosition{Word("recording"), "a", 10};
  intake[1].batch.position = FeedPosition{Word("recording"), "b", 5};
  intake[2].batch.position = FeedPosition{Word("recording"), "a", 20};
  intake[2].batch.released_quarantine = {7, 8};
  const auto draft = Make(intake);
  ASSERT_EQ(draft->commit().positions.size(), 2u);
  EXPECT_EQ(draft->commit().positions[1].frames, 20u);
  EXPECT_THAT(draft->commit().released_quarantine, ElementsAre(7, 8));
  EXPECT_FALSE(draft->commit().empty());
}

TEST_F(DraftTest, AnIntakeOfRepeatsMakesAnEmptyCommit) {
  Commit({SampleIntake("solana", SampleTrade(1, 0))});
  EXPECT_TRUE(Make({SampleIntake("solana", SampleTrade(1, 0))})->commit().empty());
}

TEST_F(DraftTest, ResolutionsNameReturnAndTellWhatTheyCannot) {
  Commit({SampleIntake("solana", SampleTrade(1, 0, 1), SampleTrade(2, 0, 2), SampleLaunch(3, "Three"))});
  Intake intake;
  intake.resolutions.resize(6);
  for (size_t i = 0; i < 6; ++i) intake.resolutions[i].source = "metaplex";
  const auto set = [&](size_t i, uint64_t token, const char* name) {
    intake.resolutions[i].ref = SampleToken(token);
    intake.resolutions[i].name = name;
  };
  set(0, 1, "One");
  set(1, 1, "One again");
  set(2, 2, "");
  intake.resolutions[2].retry_at = SampleTime(900);
  set(3, 3, "Other");
  set(4, 99, "Nobody");
  set(5, 98, "");
  const IntakeOutcome outcome = Commit({intake})[0];
  EXPECT_EQ(outcome.named, 1);
  EXPECT_EQ(outcome.already_named, 2);
  EXPECT_EQ(outcome.returned, 1);
  EXPECT_EQ(outcome.unknown, 2);
  const FakeTables tables = store_.tables();
  EXPECT_EQ(tables.detected.at(SampleToken(1)).name, "One");
  EXPECT_EQ(tables.detected.at(SampleToken(1)).named_at, kNow);
  EXPECT_FALSE(tables.pending.contains(SampleToken(1)));
  ASSERT_EQ(tables.returned_claims.size(), 1u);
  EXPECT_EQ(tables.returned_claims[0].first, SampleToken(2));
  EXPECT_EQ(tables.returned_claims[0].second, SampleTime(900));
}

TEST_F(DraftTest, ATokenKnownToTheRegistryOnlyIsNotDiscoveredAgain) {
  Commit({SampleIntake("solana", SampleLaunch(1, "One"))});
  memory_.known.Clear();
  Commit({SampleIntake("solana", SampleTrade(1, 0, 1))});
  EXPECT_EQ(store_.tables().events.size(), 1u);
  EXPECT_EQ(store_.tables().trades.size(), 1u);
}

class SmallMemory : public DraftTest {
 protected:
  SmallMemory() : DraftTest(4, 2) {}
};

TEST_F(SmallMemory, OldTradesAreLookedForInTheLog) {
  for (uint64_t i = 1; i <= 10; ++i) {
    Commit({SampleIntake("solana", SampleTrade(i, 0, 1, static_cast<int64_t>(i)))});
  }
  EXPECT_EQ(store_.finds(), 0) << "news need no question";
  const auto outcomes = Commit({SampleIntake("solana", SampleTrade(1, 0, 1, 1), SampleTrade(2, 1, 1, 2))});
  EXPECT_EQ(store_.finds(), 1) << "one question for all of a commit";
  EXPECT_EQ(outcomes[0].duplicates, 1);
  EXPECT_EQ(outcomes[0].accepted, 1);
}

// A commit must not forget, while it is judged, what it relied on when it asked the log.
TEST_F(SmallMemory, ACommitLargerThanTheWindowDoublesNothing) {
  for (uint64_t i = 1; i <= 4; ++i) Commit({SampleIntake("solana", SampleTrade(i, 0, 1, 100))});
  Intake news = SampleIntake("solana");
  for (uint64_t i = 5; i <= 20; ++i) news.batch.events.emplace_back(SampleTrade(i, 0, 1, 101));
  for (uint64_t i = 1; i <= 20; ++i) news.batch.events.emplace_back(SampleTrade(i, 0, 1, i <= 4 ? 100 : 101));
  const auto outcomes = Commit({news});
  EXPECT_EQ(outcomes[0].accepted, 16);
  EXPECT_EQ(outcomes[0].duplicates, 20);
  EXPECT_EQ(store_.tables().trades.size(), 20u);
  // And what the log says about many old trades does not push out what is known of others.
  Intake old = SampleIntake("solana");
  for (uint64_t i = 1; i <= 20; ++i) old.batch.events.emplace_back(SampleTrade(i, 0, 1, i <= 4 ? 100 : 101));
  EXPECT_EQ(Commit({old})[0].accepted, 0);
}

TEST_F(SmallMemory, ACommitOfManyTokensDiscoversNoneAgain) {
  Commit({SampleIntake("solana", SampleLaunch(1, "One"), SampleLaunch(2, "Two"))});
  // Tokens 3 and 4 are new; token 1 is the oldest of two that are remembered, and comes after them.
  Commit({SampleIntake("solana", SampleTrade(10, 0, 3), SampleTrade(11, 0, 4), SampleTrade(12, 0, 1))});
  const FakeTables tables = store_.tables();
  EXPECT_EQ(tables.detected.size(), 2u);
  EXPECT_EQ(tables.pending.size(), 2u);
  EXPECT_EQ(tables.events.size(), 4u);
}

TEST_F(DraftTest, ErrorsOfTheSessionComeThrough) {
  class Failing final : public LogSession {
   public:
    absl::StatusOr<LogHeads> ReadHeads() override { return absl::UnavailableError("heads"); }
    absl::Status ReadRecentTrades(uint64_t, const std::function<void(const TradeIdentity&)>&) override {
      return absl::UnavailableError("recent");
    }
    absl::StatusOr<std::vector<TradeIdentity>> FindTrades(absl::Span<const chain::TransactionId>, absl::Time,
                                                          absl::Time) override {
      return absl::UnavailableError("find");
    }
    absl::StatusOr<std::vector<Token>> LoadTokens(absl::Span<const chain::TokenRef>) override {
      return absl::DeadlineExceededError("load");
    }
    absl::Status Write(const ::tokenwatch::detector::Commit&) override { return absl::UnavailableError("write"); }
  } failing;
  const Intake intake = SampleIntake("solana", SampleTrade(1, 0));
  const std::vector<const Intake*> pointers{&intake};
  EXPECT_EQ(Draft::Make(pointers, failing, memory_, kNow, limits_).status().message(), "load");
  memory_.window.Clear();
  memory_.window.SetHorizon(SampleTime(100), SampleTime(100));
  EXPECT_EQ(Draft::Make(pointers, failing, memory_, kNow, limits_).status().message(), "find");
}

}  // namespace
}  // namespace tokenwatch::detector

#include "detector/log/log_writer.h"

#include <atomic>
#include <future>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/testing/wait_for.h"
#include "detector/log/fake_store_for_test.h"
#include "detector/samples_for_test.h"

namespace tokenwatch::detector {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Answer = FakeStore::WriteAnswer;

class CountingObserver final : public WriterObserver {
 public:
  void OnLeading(bool leads) override { leads ? ++gained : ++lost; }
  void OnCommit(const Commit&, absl::Duration) override { ++commits; }
  void OnFailure(const absl::Status&) override { ++failures; }
  void OnUnwritable(const absl::Status&) override { ++unwritable; }

  std::atomic<int> gained{0}, lost{0}, commits{0}, failures{0}, unwritable{0};
};

class LogWriterTest : public ::testing::Test {
 protected:
  LogWriterTest() {
    options_.follow_interval = absl::Milliseconds(1);
    options_.retry = {.initial = absl::Milliseconds(1), .cap = absl::Milliseconds(2)};
    // The tests submit as callers, more of them at once than a service lets wait.
    options_.call_capacity = 256;
  }
  ~LogWriterTest() override {
    writer_.reset();
    EXPECT_THAT(store_.tables().broken_rules, IsEmpty());
  }

  LogWriter& Make() {
    writer_ = std::make_unique<LogWriter>(options_, store_, trades_, events_, board_, observer_,
                                          common::SystemClock::Instance());
    return *writer_;
  }
  LogWriter& Start(bool leading = true) {
    Make().Start();
    if (leading) {
      EXPECT_TRUE(common::WaitFor([&] { return writer_->leads(); }));
    }
    return *writer_;
  }

  // What a piece of intake came to; each piece must be answered exactly once.
  struct Reply {
    std::atomic<int> calls{0};
    absl::StatusOr<IntakeOutcome> outcome = absl::UnknownError("no answer yet");
  };
  std::shared_ptr<Reply> Submit(Intake intake) {
    auto reply = std::make_shared<Reply>();
    const absl::Status submitted =
        writer_->TrySubmit(std::move(intake), [reply](absl::StatusOr<IntakeOutcome> outcome) {
          reply->outcome = std::move(outcome);
          ++reply->calls;
        });
    EXPECT_TRUE(submitted.ok()) << submitted;
    return reply;
  }
  static absl::StatusOr<IntakeOutcome> Wait(const std::shared_ptr<Reply>& reply) {
    EXPECT_TRUE(common::WaitFor([&] { return reply->calls > 0; }));
    return reply->outcome;
  }
  std::vector<chain::TransactionId> Logged() const {
    std::vector<chain::TransactionId> logged;
    for (const Trade& trade : store_.tables().trades) logged.push_back(trade.transaction);
    return logged;
  }

  FakeStore store_;
  LogTail<Trade> trades_{1000};
  LogTail<TokenEvent> events_{1000};
  FeedBoard board_;
  CountingObserver observer_;
  LogWriter::Options options_;
  std::unique_ptr<LogWriter> writer_;
};

TEST_F(LogWriterTest, AnswersOnceItIsDurableAndPublished) {
  Start();
  const auto first = Submit(SampleIntake("solana", SampleLaunch(1, "One"), SampleTrade(1, 0)));
  const auto second = Submit(SampleIntake("solana", SampleTrade(1, 0), SampleTrade(2, 0)));
  const auto outcome = Wait(second);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->accepted, 1);
  EXPECT_EQ(outcome->duplicates, 1);
  EXPECT_EQ(outcome->trade_cursor, 2u);
  EXPECT_EQ(Wait(first)->accepted, 2);
  EXPECT_EQ(trades_.head(), 2u);
  EXPECT_EQ(events_.head(), 1u);
  EXPECT_THAT(Logged(), ElementsAre(SampleTransaction(1), SampleTransaction(2)));
  EXPECT_TRUE(writer_->health().ok());
  EXPECT_EQ(observer_.gained, 1);
  const auto report = board_.Report();
  ASSERT_EQ(report.size(), 1u);
  EXPECT_EQ(report[0].counts.trades, 2u);
}

TEST_F(LogWriterTest, WaitsForADatabaseThatIsNotThereAndSaysSo) {
  std::atomic<bool> away{true};
  store_.on_open = [&](int) { return away ? absl::UnavailableError("no database here") : absl::OkStatus(); };
  Start(false);
  EXPECT_TRUE(common::WaitFor([&] { return writer_->health().message() == "no database here"; }));
  EXPECT_FALSE(writer_->leads());
  EXPECT_TRUE(absl::IsUnavailable(writer_->TrySubmit(Intake(), nullptr)));
  EXPECT_TRUE(writer_->Submit(SampleIntake("solana", SampleTrade(1, 0)), {})) << "a feed's intake waits";
  away = false;
  EXPECT_TRUE(common::WaitFor([&] { return trades_.head() == 1; }));
  EXPECT_TRUE(writer_->health().ok());
  EXPECT_GE(observer_.failures, 1);
}

TEST_F(LogWriterTest, FollowsWhileAnotherLeadsAndTakesOver) {
  std::atomic<bool> another{true};
  store_.another_leads = [&](int) { return another.load(); };
  Start(false);
  EXPECT_TRUE(common::WaitFor([&] { return writer_->health().ok(); }));
  EXPECT_TRUE(absl::IsUnavailable(writer_->TrySubmit(Intake(), nullptr)));
  store_.Change([](FakeTables& tables) {
    Trade trade = SampleTrade(1, 0);
    trade.cursor = 1;
    tables.trades = {trade};
    tables.heads.trade_cursor = 1;
  });
  EXPECT_TRUE(common::WaitFor([&] { return trades_.head() == 1; }));
  EXPECT_EQ(trades_.Find(0), nullptr) << "it is read from the database";
  another = false;
  EXPECT_TRUE(common::WaitFor([&] { return writer_->leads(); }));
  EXPECT_EQ(Wait(Submit(SampleIntake("solana", SampleTrade(1, 0), SampleTrade(2, 0))))->duplicates, 1)
      << "what the other wrote is known";
}

TEST_F(LogWriterTest, NothingIsLostOrDoubledHoweverWritesFail) {
  std::mt19937 random(3);
  store_.on_write = [&](int, const Commit&) {
    switch (random() % 5) {
      case 0:
        return Answer{absl::UnavailableError("gone before"), false};
      case 1:
        return Answer{absl::UnknownError("gone after the commit"), true};
      case 2:
        return Answer{absl::UnknownError("gone, and the commit with it"), false};
      default:
        return Answer{};
    }
  };
  store_.on_open = [&](int) { return random() % 3 == 0 ? absl::UnavailableError("still away") : absl::OkStatus(); };
  options_.max_commit_events = 5;
  options_.window_trades = 7;
  options_.known_tokens = 3;
  options_.retry.initial = options_.retry.cap = absl::Microseconds(1);
  LogWriter& writer = Start();
  constexpr uint64_t kBatches = 150;
  // Two feeds tell of the same trades, each in order.
  const auto feed = [&](const char* name) {
    for (uint64_t i = 1; i <= kBatches; ++i) {
      Intake intake = SampleIntake(name, SampleTrade(i, 0, i % 10, static_cast<int64_t>(i)),
                                   SampleTrade(i, 1, i % 10, static_cast<int64_t>(i)));
      intake.batch.position = FeedPosition{Word("recording"), name, i};
      EXPECT_TRUE(writer.Submit(std::move(intake), {}));
    }
  };
  std::thread other(feed, "b");
  feed("a");
  other.join();
  EXPECT_TRUE(writer.Flush({}).ok());
  const FakeTables tables = store_.tables();
  ASSERT_EQ(tables.trades.size(), 2 * kBatches);
  for (uint64_t i = 0; i < kBatches; ++i) {
    EXPECT_EQ(tables.trades[2 * i].transaction, SampleTransaction(i + 1));
    EXPECT_EQ(tables.trades[2 * i + 1].event_index, 1u);
  }
  EXPECT_EQ(tables.pending.size(), 10u);
  EXPECT_EQ(tables.events.size(), 10u);
  EXPECT_EQ(tables.positions.at("recording/a"), kBatches);
  EXPECT_EQ(tables.positions.at("recording/b"), kBatches);
  EXPECT_EQ(trades_.head(), 2 * kBatches);
  EXPECT_GT(observer_.failures, 10);
}

TEST_F(LogWriterTest, AnInDoubtCommitThatTookPlaceIsNotRepeated) {
  store_.on_write = [&](int call, const Commit&) {
    return call == 1 ? Answer{absl::UnknownError("connection lost in COMMIT"), true} : Answer{};
  };
  Start();
  const auto outcome = Wait(Submit(SampleIntake("solana", SampleTrade(1, 0), SampleLaunch(2, "Two"))));
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(store_.tables().trades.size(), 1u);
  EXPECT_EQ(store_.tables().detected.size(), 1u);
  EXPECT_EQ(trades_.head(), 1u) << "the readers hear of it";
  EXPECT_EQ(events_.head(), 2u);
}

bool Holds(const Commit& commit, uint64_t transaction) {
  return std::any_of(commit.trades.begin(), commit.trades.end(),
                     [&](const Trade& trade) { return trade.transaction == SampleTransaction(transaction); });
}

TEST_F(LogWriterTest, WhatTheDatabaseRefusesForGoodIsQuarantinedAloneAndInOrder) {
  std::promise<void> queued;
  std::shared_future<void> all_queued = queued.get_future().share();
  store_.on_write = [&](int call, const Commit& commit) {
    if (call == 1) all_queued.wait();
    return Holds(commit, 666) ? Answer{absl::InvalidArgumentError("numeric field overflow"), false} : Answer{};
  };
  Start();
  const auto first = Submit(SampleIntake("solana", SampleTrade(1, 0)));
  Intake poisoned = SampleIntake("solana", SampleTrade(2, 0), SampleTrade(666, 0), SampleTrade(3, 0));
  poisoned.batch.position = FeedPosition{Word("recording"), "a", 3};
  const auto second = Submit(std::move(poisoned));
  const auto third = Submit(SampleIntake("solana", SampleTrade(4, 0)));
  queued.set_value();
  ASSERT_TRUE(Wait(third).ok());
  const auto outcome = Wait(second);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->accepted, 2);
  EXPECT_EQ(outcome->quarantined, 1);
  EXPECT_EQ(outcome->trade_cursor, 3u);
  for (const auto& reply : {first, second, third}) EXPECT_EQ(reply->calls, 1);
  EXPECT_THAT(Logged(),
              ElementsAre(SampleTransaction(1), SampleTransaction(2), SampleTransaction(3), SampleTransaction(4)));
  const FakeTables tables = store_.tables();
  ASSERT_EQ(tables.quarantine.size(), 1u);
  EXPECT_EQ(tables.quarantine[0].reason, "unwritable");
  EXPECT_EQ(tables.quarantine[0].detail, "numeric field overflow");
  EXPECT_THAT(tables.quarantine[0].raw, HasSubstr(std::string(SampleTransaction(666).text())));
  EXPECT_EQ(tables.positions.at("recording/a"), 3u);
  EXPECT_EQ(observer_.unwritable, 1);
}

TEST_F(LogWriterTest, OneRefusalMayBeAMistakeAboutTheState) {
  store_.on_write = [&](int call, const Commit&) {
    return call == 1 ? Answer{absl::FailedPreconditionError("no partition"), false} : Answer{};
  };
  Start();
  EXPECT_EQ(Wait(Submit(SampleIntake("solana", SampleTrade(1, 0))))->accepted, 1);
  EXPECT_TRUE(store_.tables().quarantine.empty());
  EXPECT_EQ(observer_.unwritable, 0);
}

TEST_F(LogWriterTest, ARefusedResolutionIsTheCallersMistake) {
  store_.on_write = [](int, const Commit& commit) {
    return commit.returned_claims.empty() ? Answer{} : Answer{absl::InvalidArgumentError("bad time"), false};
  };
  Start();
  EXPECT_EQ(Wait(Submit(SampleIntake("solana", SampleTrade(1, 0, 1))))->accepted, 1);
  Intake intake;
  intake.resolutions.resize(1);
  intake.resolutions[0].ref = SampleToken(1);
  EXPECT_EQ(Wait(Submit(std::move(intake))).status().message(), "bad time");
  EXPECT_EQ(Wait(Submit(SampleIntake("solana", SampleTrade(2, 0, 1))))->accepted, 1) << "others go on";
}

TEST_F(LogWriterTest, StopDuringARetryAnswersUnavailable) {
  store_.on_write = [](int, const Commit&) { return Answer{absl::UnavailableError("away"), false}; };
  LogWriter& writer = Start();
  const auto retried = Submit(SampleIntake("solana", SampleTrade(1, 0)));
  EXPECT_TRUE(common::WaitFor([&] { return store_.writes() > 2; }));
  const auto queued = Submit(SampleIntake("solana", SampleTrade(2, 0)));
  writer.Stop(absl::Milliseconds(5));
  for (const auto& reply : {retried, queued}) {
    EXPECT_EQ(reply->calls, 1);
    EXPECT_TRUE(absl::IsUnavailable(reply->outcome.status())) << reply->outcome.status();
    EXPECT_THAT(std::string(reply->outcome.status().message()), HasSubstr("stopping"));
  }
  EXPECT_TRUE(Logged().empty());
  EXPECT_FALSE(writer.leads());
  EXPECT_EQ(observer_.lost, 1);
  EXPECT_TRUE(absl::IsUnavailable(writer.TrySubmit(Intake(), nullptr)));
  EXPECT_FALSE(writer.Submit(Intake(), {}));
  EXPECT_TRUE(absl::IsCancelled(writer.Flush({})));
}

TEST_F(LogWriterTest, StopWritesWhatIsQueuedWhenThereIsTime) {
  LogWriter& writer = Start();
  std::vector<std::shared_ptr<Reply>> replies;
  for (uint64_t i = 1; i <= 20; ++i) replies.push_back(Submit(SampleIntake("solana", SampleTrade(i, 0))));
  writer.Stop(absl::Seconds(10));
  for (const auto& reply : replies) EXPECT_TRUE(reply->calls == 1 && reply->outcome.ok()) << reply->outcome.status();
  EXPECT_EQ(Logged().size(), 20u);
}

// Whoever leads next reads the feeds from their saved positions: were a later piece committed here with its position,
// the one that failed would never be read again.
TEST_F(LogWriterTest, NothingThatCameAfterALostLeadIsWritten) {
  std::promise<void> queued;
  std::shared_future<void> all_queued = queued.get_future().share();
  options_.max_commit_events = 1;
  store_.on_write = [&](int call, const Commit&) {
    if (call != 1) return Answer{};
    all_queued.wait();
    return Answer{absl::UnavailableError("lost"), false};
  };
  // Another process has the lead for a moment.
  store_.another_leads = [](int call) { return call == 2; };
  Start();
  std::vector<std::shared_ptr<Reply>> replies;
  for (uint64_t i = 1; i <= 3; ++i) {
    Intake intake = SampleIntake("solana", SampleTrade(i, 0));
    intake.batch.position = FeedPosition{Word("recording"), "a", i};
    replies.push_back(Submit(std::move(intake)));
  }
  queued.set_value();
  for (const auto& reply : replies) {
    const auto outcome = Wait(reply);
    EXPECT_TRUE(absl::IsUnavailable(outcome.status()));
    EXPECT_THAT(std::string(outcome.status().message()), HasSubstr("lead"));
  }
  EXPECT_TRUE(common::WaitFor([&] { return observer_.gained == 2; })) << "it leads again";
  EXPECT_EQ(Wait(Submit(SampleIntake("solana", SampleTrade(9, 0))))->accepted, 1);
  EXPECT_THAT(Logged(), ElementsAre(SampleTransaction(9)));
  EXPECT_THAT(store_.tables().positions, IsEmpty());
}

TEST_F(LogWriterTest, ALeadLostWhilePiecesAreTriedOneByOneEndsThemAll) {
  store_.on_write = [](int, const Commit&) { return Answer{absl::InvalidArgumentError("refused"), false}; };
  // Two refusals of the whole, then the lead is away when its first event is tried alone.
  store_.another_leads = [](int call) { return call == 3; };
  Start();
  Intake intake = SampleIntake("solana", SampleTrade(1, 0), SampleTrade(2, 0));
  intake.batch.position = FeedPosition{Word("recording"), "a", 2};
  const auto reply = Submit(std::move(intake));
  EXPECT_TRUE(absl::IsUnavailable(Wait(reply).status())) << reply->outcome.status();
  EXPECT_TRUE(common::WaitFor([&] { return observer_.gained == 2; }));
  EXPECT_THAT(store_.tables().positions, IsEmpty());
  EXPECT_TRUE(store_.tables().quarantine.empty());
}

TEST_F(LogWriterTest, AFullQueueRefusesCallersAndFeedsLeaveThemTheirPlace) {
  std::promise<void> go;
  std::shared_future<void> may_go = go.get_future().share();
  store_.on_write = [&](int, const Commit&) { return may_go.wait(), Answer{}; };
  options_.queue_capacity = 1;
  options_.call_capacity = 2;
  LogWriter& writer = Start();
  const auto being_written = Submit(SampleIntake("solana", SampleTrade(1, 0)));
  EXPECT_TRUE(common::WaitFor([&] { return store_.writes() == 1; }));
  EXPECT_TRUE(writer.Submit(SampleIntake("solana", SampleTrade(4, 0)), {})) << "the one place of feeds";
  const auto queued = Submit(SampleIntake("solana", SampleTrade(2, 0)));
  Submit(SampleIntake("solana", SampleTrade(3, 0)));
  EXPECT_EQ(writer.queue_depth(), 3u);
  bool called = false;
  const absl::Status refused = writer.TrySubmit(Intake(), [&](const absl::StatusOr<IntakeOutcome>&) { called = true; });
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(writer.Submit(Intake(), stop.get_token())) << "a feed that is stopped does not wait for room";
  go.set_value();
  EXPECT_TRUE(writer.Flush({}).ok());
  EXPECT_EQ(queued->calls, 1);
  EXPECT_FALSE(called);
}

TEST_F(LogWriterTest, FlushEndsWhenItIsToStop) {
  store_.on_write = [](int, const Commit&) { return Answer{absl::UnavailableError("away"), false}; };
  LogWriter& writer = Start();
  Submit(SampleIntake("solana", SampleTrade(1, 0)));
  EXPECT_TRUE(common::WaitFor([&] { return store_.writes() > 1; }));
  std::stop_source stop;
  auto flushed = std::async(std::launch::async, [&] { return writer.Flush(stop.get_token()); });
  EXPECT_TRUE(common::WaitFor([&] { return writer.queue_depth() == 1; }));
  stop.request_stop();
  EXPECT_TRUE(absl::IsCancelled(flushed.get()));
}

}  // namespace
}  // namespace tokenwatch::detector

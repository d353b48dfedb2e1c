#include "pricing/loops/write_loop.h"

#include <memory>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/testing/wait_for.h"
#include "pricing/loops/loop_world_for_test.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::HasSubstr;

class WriteLoopTest : public ::testing::Test {
 protected:
  void Start() { loop_ = std::make_unique<WriteLoop>(loops_.context(), world_.fold(), Checkpoint()); }
  // Trades of a token, folded by this replica.
  void Trades(uint64_t token, int count) {
    for (int i = 0; i < count; ++i) world_.Add(TestToken(token), absl::Seconds(++seconds_), 30'000'000'000, 1'000'000);
    world_.Fold();
  }
  // Steps until the loop is the writer; a failure costs one.
  void BecomeWriter() {
    for (int i = 0; i < 5 && !loop_->is_writer(); ++i) loop_->Step();
    ASSERT_TRUE(loop_->is_writer());
  }
  void Drain() { loop_->Drain(absl::Now() + absl::Seconds(5)); }
  double Rows(const std::string& table) {
    return loops_.registry.Counter("pricing_rows_written_total", "Rows written.", {{"table", table}}).Value();
  }

  LoopWorld loops_;
  World& world_ = loops_.world;
  FakeStore& store_ = world_.store;
  std::unique_ptr<WriteLoop> loop_;
  int seconds_ = 0;
};

TEST_F(WriteLoopTest, WritesWhatIsDueAtTheInterval) {
  Start();
  Trades(1, 3);
  EXPECT_LE(loop_->Step(), absl::Seconds(1));
  EXPECT_TRUE(loop_->is_writer());
  EXPECT_EQ(store_.series_rows(), 1u);
  EXPECT_EQ(store_.chunk_rows(), 1u);
  EXPECT_EQ(store_.checkpoint().flush, 1u);
  EXPECT_EQ(store_.checkpoint().cursor, 3u);
  EXPECT_EQ(loop_->written_redo_cursor(), 3u);
  EXPECT_EQ(loops_.NotReady("database"), "");

  Trades(2, 3);
  loop_->Step();
  EXPECT_EQ(store_.series_rows(), 1u) << "the interval is not over";
  world_.clock.Advance(loops_.config.flush_interval);
  loop_->Step();
  EXPECT_EQ(store_.series_rows(), 2u);
  EXPECT_EQ(loop_->counts().rows, 4u);
  EXPECT_EQ(loop_->counts().transactions, 2u);
  EXPECT_EQ(Rows("token_prices"), 2);
  EXPECT_EQ(Rows("candles"), 2);

  // Nothing has changed: nothing is written.
  world_.clock.Advance(loops_.config.flush_interval);
  loop_->Step();
  EXPECT_EQ(store_.writes(), 2);
}

TEST_F(WriteLoopTest, MoreThanOneTransactionHoldsIsWrittenInSeveral) {
  loops_.config.flush_rows = 4;
  Start();
  for (uint64_t token = 1; token <= 9; ++token) Trades(token, 2);
  loop_->Step();
  EXPECT_EQ(store_.series_rows(), 9u);
  EXPECT_EQ(store_.writes(), 5);
  EXPECT_EQ(store_.checkpoint().redo_cursor, 18u);
}

TEST_F(WriteLoopTest, AFailedWriteIsMadeAgainInANewSession) {
  Start();
  Trades(1, 3);
  store_.FailWrite(absl::UnavailableError("connection reset"), false);
  loop_->Step();
  EXPECT_FALSE(loop_->is_writer());
  EXPECT_THAT(loops_.NotReady("database"), HasSubstr("connection reset"));
  EXPECT_EQ(store_.series_rows(), 0u);
  BecomeWriter();
  EXPECT_EQ(store_.sessions(), 2);
  EXPECT_EQ(store_.series_rows(), 1u);
  EXPECT_EQ(store_.checkpoint().flush, 1u);
  EXPECT_EQ(loops_.NotReady("database"), "");
  EXPECT_EQ(loops_.metrics.flush_failures.Value(), 1);
}

TEST_F(WriteLoopTest, AnUnknownOutcomeIsSettledByTheCheckpoint) {
  Start();
  Trades(1, 3);
  store_.FailWrite(absl::UnknownError("the connection broke during the commit"), true);
  loop_->Step();
  EXPECT_FALSE(loop_->is_writer());
  BecomeWriter();
  EXPECT_EQ(store_.writes(), 1) << "it had happened, so there is nothing to write";
  EXPECT_EQ(world_.fold().counts().dirty, 0u);
  EXPECT_EQ(world_.fold().position().flush, 1u);

  Trades(1, 1);
  world_.clock.Advance(loops_.config.flush_interval);
  store_.FailWrite(absl::UnknownError("the connection broke during the commit"), false);
  loop_->Step();
  BecomeWriter();
  EXPECT_EQ(store_.writes(), 3) << "it had not happened";
  EXPECT_EQ(store_.checkpoint().flush, 2u);
  EXPECT_EQ(store_.checkpoint().redo_cursor, 4u);
}

TEST_F(WriteLoopTest, WhatAnotherWriterWroteIsNotWrittenAgain) {
  World other(EagerOptions());
  for (int i = 1; i <= 3; ++i) other.Add(TestToken(1), absl::Seconds(i), 30'000'000'000, 1'000'000);
  other.Fold();
  store_.HoldLock(true);
  Start();
  Trades(1, 3);
  loop_->Step();
  EXPECT_FALSE(loop_->is_writer());
  EXPECT_EQ(world_.fold().counts().dirty, 1u);

  const Flush flush = other.fold().CollectFlush(0, 1000, true);
  ASSERT_EQ(flush.checkpoint.redo_cursor, 3u);
  store_.Apply(flush);
  loop_->Step();
  EXPECT_EQ(world_.fold().counts().dirty, 0u);
  EXPECT_EQ(world_.fold().position().redo_cursor, 3u);

  // The other goes; this one takes its place and has nothing to write.
  store_.HoldLock(false);
  BecomeWriter();
  Drain();
  EXPECT_EQ(store_.writes(), 0);
  EXPECT_EQ(store_.checkpoint(), flush.checkpoint);
}

TEST_F(WriteLoopTest, ATakeoverAheadOfItsFoldWritesNothingUntilItHasFoldedAsFar) {
  World other(EagerOptions());
  for (int i = 1; i <= 5; ++i) other.Add(TestToken(1), absl::Seconds(i), 30'000'000'000, 1'000'000);
  other.Fold();
  const Flush flush = other.fold().CollectFlush(0, 1000, true);
  store_.Apply(flush);
  Start();
  Trades(1, 3);
  BecomeWriter();
  EXPECT_EQ(store_.writes(), 0) << "its row has three trades, the one there is has five";
  EXPECT_EQ(store_.checkpoint(), flush.checkpoint);

  Trades(1, 2);
  Trades(2, 2);
  world_.clock.Advance(loops_.config.flush_interval);
  loop_->Step();
  EXPECT_EQ(store_.checkpoint().flush, 2u);
  EXPECT_EQ(store_.checkpoint().redo_cursor, 7u);
  EXPECT_EQ(store_.series_rows(), 2u);
}

TEST_F(WriteLoopTest, ALostSessionIsNoticedWithinASecond) {
  Start();
  loop_->Step();
  ASSERT_TRUE(loop_->is_writer());
  store_.LoseSession();
  world_.clock.Advance(absl::Seconds(1));
  loop_->Step();
  EXPECT_FALSE(loop_->is_writer());
  BecomeWriter();
  EXPECT_EQ(store_.sessions(), 2);
}

TEST_F(WriteLoopTest, TheDrainWritesEverythingThroughFailures) {
  loops_.config.flush_rows = 2;
  Start();
  for (uint64_t token = 1; token <= 4; ++token) Trades(token, 2);
  Trades(5, 1);
  for (int i = 0; i < 3; ++i) store_.FailWrite(absl::UnavailableError("away"), false);
  Drain();
  EXPECT_EQ(store_.series_rows(), 4u);
  EXPECT_EQ(store_.checkpoint().cursor, 9u);
  EXPECT_EQ(store_.checkpoint().redo_cursor, 9u) << "what is not worth rows is parked";
  EXPECT_EQ(world_.fold().counts().dirty, 0u);
  EXPECT_FALSE(loop_->is_writer()) << "the lock is free for another replica";
}

TEST_F(WriteLoopTest, TheDrainKeepsToItsLimitAndLeavesToTheWriterWhatIsTheWriters) {
  Start();
  Trades(1, 3);
  store_.Fail(absl::UnavailableError("away"));
  const absl::Time began = absl::Now();
  loop_->Drain(began + absl::Milliseconds(100));
  EXPECT_LT(absl::Now() - began, absl::Seconds(2));
  EXPECT_EQ(store_.series_rows(), 0u);

  store_.Fail(absl::OkStatus());
  store_.HoldLock(true);
  Drain();
  EXPECT_EQ(store_.series_rows(), 0u);
}

TEST(WriteLoopPressureTest, AFoldThatWantsToBeWrittenDoesNotWaitForTheInterval) {
  FoldOptions options = EagerOptions();
  options.row_interval = absl::Hours(2);
  options.max_dirty = 1;
  LoopWorld loops(options);
  World& world = loops.world;
  WriteLoop loop(loops.context(), world.fold(), Checkpoint());
  std::jthread thread([&](const std::stop_token& stop) { loop.Run(stop); });
  ASSERT_TRUE(common::WaitFor([&] { return loop.is_writer(); }));
  for (uint64_t token = 1; token <= 4; ++token) {
    for (int i = 0; i < 2; ++i) world.Add(TestToken(token), absl::Seconds(i), 30'000'000'000, 1'000'000);
  }
  world.Fold();
  ASSERT_TRUE(world.fold().wants_flush());
  loop.Wake();
  EXPECT_TRUE(common::WaitFor([&] { return world.store.series_rows() >= 3; }));
}

}  // namespace
}  // namespace tokenwatch::pricing

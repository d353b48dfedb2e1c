// What the fold writes, when, and what becomes of memory meanwhile.
#include <memory>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pricing/fold/fold.h"
#include "pricing/testing/fake_database.h"
#include "pricing/testing/fold_bed.h"
#include "pricing/testing/trades.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::ElementsAre;

class FoldFlushTest : public testing::FoldBed {};

TEST_F(FoldFlushTest, WaitsWithRowsUntilAChunkIsCompleteOrTheIntervalIsOver) {
  options_.row_interval = absl::Hours(2);
  Restart();
  for (int i = 0; i < 3; ++i) Log(1, absl::Minutes(30));
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(Write(false).rows(), 0u);
  EXPECT_EQ(database_.checkpoint.cursor, 3u);
  // The log is needed from the first trade that is not written.
  EXPECT_EQ(database_.checkpoint.redo_cursor, 0u);
  Log(2, absl::Minutes(119));
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(Write(false).rows(), 0u);
  Log(2, absl::Minutes(121));
  ASSERT_TRUE(Apply().ok());
  const Flush flush = Write(false);
  ASSERT_EQ(flush.series.size(), 1u);
  EXPECT_EQ(flush.parked.size(), 1u);
  EXPECT_EQ(database_.checkpoint.redo_cursor, 5u);
  EXPECT_EQ(Write(false).rows(), 0u);
  EXPECT_FALSE(fold_->wants_flush());
}

TEST_F(FoldFlushTest, AChunkThatHasJustBegunWaitsUntilItIsComplete) {
  options_.row_interval = absl::Hours(2);
  Restart();
  for (int i = 0; i < 3; ++i) Log(1, absl::Minutes(i));
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(Write(true).chunks.size(), 1u) << "all candles go with the first row";
  Log(1, absl::Minutes(119));
  for (int i = 0; i < 2; ++i) Log(1, absl::Minutes(120 + i));
  ASSERT_TRUE(Apply().ok());
  const Flush flush = Write(false);
  ASSERT_EQ(flush.series.size(), 1u);
  EXPECT_EQ(flush.series[0].cursor, 6u);
  EXPECT_EQ(flush.series[0].candle_cursor, 4u);
  ASSERT_EQ(flush.chunks.size(), 1u);
  EXPECT_EQ(flush.chunks[0].start, testing::Start());
  EXPECT_EQ(flush.checkpoint.redo_cursor, 4u);
  EXPECT_EQ(Write(false).rows(), 0u);

  // The log has what the database has not.
  Restart();
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(fold_->counts().repeats, 2u);
  EXPECT_EQ(Read(1).trades, 6u);
  EXPECT_EQ(Read(1).candle_cursor, 6u);
  EXPECT_EQ(Write(false).rows(), 0u) << "it is still not complete";
  Log(2, absl::Minutes(241));
  ASSERT_TRUE(Apply().ok());
  const Flush rest = Write(false);
  ASSERT_EQ(rest.chunks.size(), 1u);
  EXPECT_EQ(rest.chunks[0].minutes, 2);
  EXPECT_EQ(rest.series[0].candle_cursor, 6u);
  EXPECT_EQ(rest.checkpoint.redo_cursor, 6u);
}

// A replica that has seen trades parked lets a restart begin after them, whoever writes the row of their series then.
TEST_F(FoldFlushTest, AllCandlesGoWithTheFirstRow) {
  options_.row_interval = absl::Hours(2);
  Restart();
  for (int i = 0; i < 3; ++i) Log(1, absl::Minutes(118 + i));
  Log(1, absl::Minutes(121));
  ASSERT_TRUE(Apply().ok());
  const Flush flush = Write(false);
  ASSERT_EQ(flush.series.size(), 1u);
  EXPECT_EQ(flush.series[0].candle_cursor, 4u);
  EXPECT_EQ(flush.chunks.size(), 2u);
  EXPECT_EQ(flush.checkpoint.redo_cursor, 4u);
}

// Another has written the candles of all its trades, and who has read that counts on it.
TEST_F(FoldFlushTest, WhatARowSaysOfItsCandlesDoesNotGoBack) {
  options_.row_interval = absl::Hours(2);
  Restart();
  for (int i = 0; i < 3; ++i) Log(1, absl::Minutes(i));
  ASSERT_TRUE(Apply().ok());
  Write(true);
  Log(1, absl::Minutes(119));
  for (int i = 0; i < 2; ++i) Log(1, absl::Minutes(120 + i));
  ASSERT_TRUE(Apply().ok());
  Checkpoint elsewhere = database_.checkpoint;
  elsewhere.cursor = 6;
  fold_->Covered(elsewhere);
  const Flush flush = Write(false);
  ASSERT_EQ(flush.series.size(), 1u);
  EXPECT_EQ(flush.series[0].candle_cursor, 6u);
  EXPECT_EQ(flush.chunks.size(), 2u);
}

TEST_F(FoldFlushTest, TradesThatAreParkedDoNotWaitInAChunk) {
  options_.row_interval = absl::Hours(2);
  Restart();
  for (int i = 0; i < 2; ++i) Log(1, absl::Minutes(121));
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(Write(true).parked.size(), 1u);
  EXPECT_EQ(database_.checkpoint.redo_cursor, 2u);
  // The series is worth rows now, and due because of a late trade.
  Log(1, absl::Minutes(119));
  ASSERT_TRUE(Apply().ok());
  Log(1, absl::Minutes(122));
  ASSERT_TRUE(Apply().ok());
  Write(true);
  Restart();
  ASSERT_TRUE(Apply().ok());
  Write(true);
  EXPECT_EQ(
      CandleChunk::Decode(testing::Start() + kChunkLength, database_.chunks[{Key(1), testing::Start() + kChunkLength}])
          ->size(),
      2u);
}

TEST_F(FoldFlushTest, ShortIntervalsEndBeforeTheChunk) {
  options_.row_interval = absl::Minutes(5);
  Restart();
  for (int i = 0; i < 3; ++i) Log(1, absl::Minutes(30));
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(Write(false).rows(), 0u);
  Log(2, absl::Minutes(35));
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(Write(false).rows(), 2u);
}

TEST_F(FoldFlushTest, TooManyDirtySeriesDoNotWait) {
  options_.max_dirty = 8;
  options_.persist_trades = 1;
  Restart();
  for (uint64_t token = 0; token < 8; ++token) Log(token);
  ASSERT_TRUE(Apply().ok());
  EXPECT_FALSE(fold_->wants_flush());
  Log(8);
  ASSERT_TRUE(Apply().ok());
  EXPECT_TRUE(fold_->wants_flush());
  const Flush flush = Write(false);
  // The oldest, and one more than must be.
  ASSERT_EQ(flush.series.size(), 2u);
  EXPECT_EQ(flush.series[0].key, Key(0));
  EXPECT_EQ(flush.series[1].key, Key(1));
  EXPECT_EQ(flush.checkpoint.redo_cursor, 2u);
  EXPECT_FALSE(fold_->wants_flush());
  EXPECT_EQ(fold_->counts().dirty, 7u);
}

TEST_F(FoldFlushTest, AFlushHasAtMostSoManyRows) {
  options_.persist_trades = 1;
  Restart();
  for (uint64_t token = 0; token < 10; ++token) Log(token);
  ASSERT_TRUE(Apply().ok());
  size_t written = 0;
  for (int i = 0; i < 4; ++i) {
    const Flush flush = Write(true, 5);
    EXPECT_LE(flush.rows(), 5u);
    written += flush.series.size();
    EXPECT_EQ(flush.checkpoint.redo_cursor, written);
  }
  EXPECT_EQ(written, 8u);
  // One series goes even if it alone is more.
  EXPECT_EQ(Write(true, 1).rows(), 2u);
}

TEST_F(FoldFlushTest, WhatChangesInFlightIsWrittenAgain) {
  for (int i = 0; i < 3; ++i) Log(1);
  ASSERT_TRUE(Apply().ok());
  const Flush flush = Collect();
  EXPECT_EQ(flush.checkpoint.redo_cursor, 3u);
  Log(1);
  ASSERT_TRUE(Apply().ok());
  ASSERT_TRUE(database_.Write(flush).ok());
  fold_->FlushWritten(flush);
  EXPECT_EQ(fold_->position().redo_cursor, 3u);
  EXPECT_EQ(Write().series[0].trades, 4u);
  EXPECT_EQ(Write().rows(), 0u);
}

TEST_F(FoldFlushTest, AFailedFlushLosesNothing) {
  for (int i = 0; i < 3; ++i) Log(1);
  Log(2);
  ASSERT_TRUE(Apply().ok());
  const Flush failed = Collect();
  EXPECT_EQ(failed.rows(), 2u);
  fold_->FlushFailed(failed);
  EXPECT_EQ(fold_->position().redo_cursor, 0u);
  const Flush again = Write();
  EXPECT_EQ(again.rows(), 2u);
  EXPECT_EQ(again.parked.size(), 1u);
  EXPECT_EQ(again.checkpoint, failed.checkpoint);
}

TEST_F(FoldFlushTest, WhatIsNotWrittenDoesNotLeave) {
  options_.max_hot = 4;
  Restart();
  for (uint64_t token = 0; token < 5; ++token) Log(token);
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(fold_->counts().hot, 5u);
  EXPECT_TRUE(fold_->wants_flush());
  Log(5);
  ASSERT_TRUE(Apply().ok());
  // Now memory is full, and the log waits.
  Log(6);
  const Checkpoint before = fold_->position();
  EXPECT_TRUE(absl::IsResourceExhausted(Apply()));
  EXPECT_EQ(fold_->position(), before);
  EXPECT_EQ(fold_->counts().refused, 1u);
  const Flush flush = Collect(false);
  // The idlest, and only these.
  EXPECT_EQ(flush.parked.size(), 2u);
  EXPECT_TRUE(absl::IsResourceExhausted(Apply()));
  ASSERT_TRUE(database_.Write(flush).ok());
  fold_->FlushWritten(flush);
  ASSERT_TRUE(Apply().ok());
  EXPECT_FALSE(IsHot(0));
  EXPECT_TRUE(IsHot(6));
  EXPECT_LE(fold_->counts().hot, 5u);
}

TEST_F(FoldFlushTest, BytesAreBoundedToo) {
  options_.max_bytes = 60'000;
  Restart();
  for (uint64_t token = 0; token < 200; ++token) {
    Log(token);
    while (!Apply().ok()) Write(false);
  }
  EXPECT_LE(fold_->counts().hot_bytes, options_.max_bytes * 5 / 4 + 4000);
  EXPECT_GT(fold_->counts().hot, 10u);
}

TEST_F(FoldFlushTest, AFollowerHasNothingToWriteOnceTheWriterHas) {
  HotSet hot;
  Fold follower(options_, hot, usd_, database_, listener_);
  follower.Begin({});
  for (int i = 0; i < 3; ++i) Log(1);
  Log(2);
  ASSERT_TRUE(Apply().ok());
  Log(1);
  ASSERT_TRUE(follower.Apply({log_, 5, 0}).ok());
  Write();
  follower.Covered(database_.checkpoint);
  EXPECT_EQ(follower.position().redo_cursor, 4u);
  EXPECT_EQ(follower.counts().dirty, 1u);
  // It takes over.
  const Flush flush = follower.CollectFlush(database_.checkpoint.flush, 100, true);
  ASSERT_EQ(flush.series.size(), 1u);
  EXPECT_TRUE(flush.parked.empty());
  EXPECT_TRUE(database_.Write(flush).ok());
}

TEST_F(FoldFlushTest, AReplicaThatLagsDoesNotTakeRowsBack) {
  HotSet hot;
  Fold follower(options_, hot, usd_, database_, listener_);
  follower.Begin({});
  for (int i = 0; i < 3; ++i) Log(1);
  ASSERT_TRUE(follower.Apply({log_, 3, 0}).ok());
  Log(1);
  ASSERT_TRUE(Apply().ok());
  Write();
  follower.Covered(database_.checkpoint);
  const Flush nothing = follower.CollectFlush(database_.checkpoint.flush, 100, true);
  EXPECT_EQ(nothing.rows(), 0u);
  EXPECT_EQ(nothing.checkpoint.cursor, 4u);
  EXPECT_TRUE(database_.Write(nothing).ok());
  follower.FlushWritten(nothing);
  Log(1);
  ASSERT_TRUE(follower.Apply({log_, 5, 0}).ok());
  EXPECT_EQ(follower.CollectFlush(database_.checkpoint.flush, 100, true).series[0].trades, 5u);
}

TEST_F(FoldFlushTest, ParksEverythingAnewWhenMostOfItIsDead) {
  options_.max_dead_parked = 10;
  Restart();
  for (uint64_t token = 0; token < 8; ++token) Log(token), Log(token);
  ASSERT_TRUE(Apply().ok());
  EXPECT_FALSE(Write().parked_is_complete);
  // All but one become worth rows: what was parked of them is dead.
  for (uint64_t token = 1; token < 8; ++token) Log(token);
  ASSERT_TRUE(Apply().ok());
  EXPECT_FALSE(Write().parked_is_complete);
  Log(9);
  ASSERT_TRUE(Apply().ok());
  const Flush flush = Write();
  EXPECT_TRUE(flush.parked_is_complete);
  EXPECT_EQ(flush.parked.size(), 2u);
  EXPECT_FALSE(Write().parked_is_complete);
  EXPECT_THAT(database_.Parked()[FingerprintOf(Key(0))], ElementsAre(1, 2));
}

}  // namespace
}  // namespace tokenwatch::pricing

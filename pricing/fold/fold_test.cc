// What the fold promises, rule by rule. What happens when everything happens at once is in fold_model_test.cc.
#include "pricing/fold/fold.h"

#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pricing/testing/fake_database.h"
#include "pricing/testing/trades.h"

namespace tokenwatch::pricing {
namespace {

using testing::Canonical;
using ::testing::ElementsAre;
using testing::FakeDatabase;
using testing::kSol;
using testing::PricedTrade;
using testing::Start;
using testing::TokenNumber;
using ::testing::UnorderedElementsAre;
using testing::WalletNumber;

class Recorder : public FoldListener {
 public:
  void OnPrices(absl::Span<const chain::TokenRef> tokens) override { told.assign(tokens.begin(), tokens.end()); }
  std::vector<chain::TokenRef> told;
};

class FoldTest : public ::testing::Test {
 protected:
  FoldTest() {
    options_.persist_trades = 3;
    options_.persist_usd = 100;
    Restart();
  }

  // A new process with what the database has.
  void Restart() {
    fold_.reset();
    fold_ = std::make_unique<Fold>(options_, hot_, usd_, database_, listener_);
    database_.Restore(*fold_);
  }

  // Adds a trade of `token` to the log.
  Trade& Log(uint64_t token, absl::Duration since_start = absl::ZeroDuration()) {
    log_.push_back(PricedTrade(log_.size() + 1, token, Start() + since_start, 100, 200));
    return log_.back();
  }
  absl::Status Apply() {
    TradeBatch batch;
    for (const Trade& trade : log_) {
      if (trade.cursor > fold_->position().cursor) batch.trades.push_back(trade);
    }
    batch.cursor = log_.size();
    return fold_->Apply(batch);
  }
  Flush Collect(bool everything = true, size_t max_rows = 1000) {
    return fold_->CollectFlush(database_.checkpoint.flush, max_rows, everything);
  }
  Flush Write(bool everything = true, size_t max_rows = 1000) {
    Flush flush = Collect(everything, max_rows);
    EXPECT_TRUE(database_.Write(flush).ok());
    fold_->FlushWritten(flush);
    return flush;
  }
  // Lets the log's time pass, and what is idle leave.
  void Pass(absl::Duration since_start) {
    Log(999, since_start);
    ASSERT_TRUE(Apply().ok());
    Write();
    Log(999, since_start);
    ASSERT_TRUE(Apply().ok());
  }
  bool IsHot(uint64_t token) {
    return hot_.Read(TokenNumber(token), chain::Address(), [](const Series&) {});
  }
  Series Read(uint64_t token) {
    Series found;
    EXPECT_TRUE(hot_.Read(TokenNumber(token), chain::Address(), [&](const Series& series) { found = series; }));
    return found;
  }
  static SeriesKey Key(uint64_t token) { return {TokenNumber(token), Canonical(kSol)}; }

  FoldOptions options_;
  UsdOfQuote usd_ = [](const chain::TokenRef&, absl::Time) { return 150.0; };
  std::vector<Trade> log_;
  FakeDatabase database_{log_};
  Recorder listener_;
  HotSet hot_;
  std::unique_ptr<Fold> fold_;
};

TEST_F(FoldTest, ParksWhatIsNotWorthRows) {
  Log(1);
  Log(2);
  Log(1);
  ASSERT_TRUE(Apply().ok());
  const Flush flush = Write();
  EXPECT_EQ(flush.rows(), 0u);
  ASSERT_EQ(flush.parked.size(), 2u);
  EXPECT_EQ(flush.checkpoint, (Checkpoint{1, 3, 3, Start()}));
  EXPECT_THAT(database_.Parked()[FingerprintOf(Key(1))], ElementsAre(1, 3));
  // Only what is new is parked again.
  Log(2);
  ASSERT_TRUE(Apply().ok());
  const Flush second = Write();
  ASSERT_EQ(second.parked.size(), 1u);
  EXPECT_THAT(second.parked[0].cursors, ElementsAre(4));
}

TEST_F(FoldTest, ASeriesThatCrossesLateHasItsWholeHistory) {
  Log(1).reserves = Reserves{1, 500};
  Log(1, absl::Minutes(1));
  ASSERT_TRUE(Apply().ok());
  Write();
  Pass(absl::Hours(5));
  EXPECT_FALSE(IsHot(1));
  EXPECT_EQ(fold_->counts().parked, 1u);
  Restart();
  Log(1, absl::Hours(6));
  ASSERT_TRUE(Apply().ok());
  EXPECT_GE(fold_->counts().revived, 1u);
  const Flush flush = Write();
  ASSERT_EQ(flush.series.size(), 1u);
  const Series& series = flush.series[0];
  EXPECT_EQ(series.trades, 3u);
  EXPECT_EQ(series.high->ratio, (Ratio{500, 1}));
  EXPECT_EQ(series.quote_volume, chain::Amount(15));
  EXPECT_FALSE(series.is_partial);
  ASSERT_EQ(flush.chunks.size(), 2u);
  EXPECT_EQ(CandleChunk::Decode(Start(), flush.chunks[0].packed)->size(), 2u);
  EXPECT_EQ(CandleChunk::Decode(Start() + absl::Hours(6), flush.chunks[1].packed)->size(), 1u);
  EXPECT_TRUE(database_.Parked().empty() || !database_.Parked().contains(FingerprintOf(Key(1))));
  EXPECT_EQ(fold_->counts().kept, 1u);
}

TEST_F(FoldTest, SaysSoWhenTheLogNoLongerHasItsHistory) {
  Log(1).reserves = Reserves{1, 500};
  Log(1);
  ASSERT_TRUE(Apply().ok());
  Write();
  Pass(absl::Hours(5));
  database_.pruned_to = 1;
  Log(1, absl::Hours(6));
  ASSERT_TRUE(Apply().ok());
  const Series series = Read(1);
  EXPECT_TRUE(series.is_partial);
  EXPECT_EQ(series.trades, 2u);
  EXPECT_EQ(series.high->ratio, (Ratio{100, 200}));
  // The trade that is gone was one: the series is worth rows.
  EXPECT_EQ(Write().series.size(), 1u);
}

TEST_F(FoldTest, ARowMadeElsewhereIsBetterThanAPartOfTheHistory) {
  Log(1);
  Log(1);
  ASSERT_TRUE(Apply().ok());
  Write();
  Pass(absl::Hours(5));
  // Another replica watched the token, and wrote a row while the log had all.
  FakeDatabase other(log_);
  {
    HotSet hot;
    Fold fold(options_, hot, usd_, other, listener_);
    fold.SetWatched(TokenNumber(1), true);
    TradeBatch batch{{log_.begin(), log_.begin() + 2}, 2, 0};
    ASSERT_TRUE(fold.Apply(batch).ok());
    ASSERT_TRUE(other.Write(fold.CollectFlush(0, 100, true)).ok());
  }
  database_.rows = other.rows;
  database_.chunks = other.chunks;
  database_.pruned_to = 1;
  Log(1, absl::Hours(6));
  ASSERT_TRUE(Apply().ok());
  EXPECT_FALSE(Read(1).is_partial);
  EXPECT_EQ(Read(1).trades, 3u);
  EXPECT_EQ(fold_->counts().kept, 1u);
}

TEST_F(FoldTest, VolumeInUsdIsEnough) {
  Log(1).quote_amount = 600'000'000;
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(fold_->counts().kept, 0u);
  // 0.6 + 0.1 SOL at 150 USD.
  Log(1).quote_amount = 100'000'000;
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(fold_->counts().kept, 1u);
}

TEST_F(FoldTest, VolumeWithoutAReferenceOrDecimalsIsNotGuessed) {
  usd_ = [](const chain::TokenRef&, absl::Time at) {
    return at < Start() + absl::Minutes(1) ? std::nullopt : std::optional<double>(150.0);
  };
  Restart();
  Log(1).quote_amount = 600'000'000;
  Trade& strange = Log(2, absl::Minutes(2));
  strange.quote = WalletNumber(3);
  strange.quote_amount = 900'000'000'000;
  Log(1, absl::Minutes(2)).quote_amount = 600'000'000;
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(fold_->counts().kept, 0u);
}

TEST_F(FoldTest, AWatchedTokenIsKeptAtOnceInMemoryAndElseFromItsNextTrade) {
  Log(1);
  ASSERT_TRUE(Apply().ok());
  Write();
  Pass(absl::Hours(5));
  ASSERT_FALSE(IsHot(1));
  Log(2, absl::Hours(5));
  ASSERT_TRUE(Apply().ok());
  Write();
  fold_->SetWatched(TokenNumber(1), true);
  fold_->SetWatched(TokenNumber(2), true);
  EXPECT_EQ(fold_->counts().kept, 1u);
  const Flush flush = Write();
  ASSERT_EQ(flush.series.size(), 1u);
  EXPECT_EQ(flush.series[0].key, Key(2));
  EXPECT_EQ(flush.chunks.size(), 1u);
  Log(1, absl::Hours(5));
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(Write().series[0].trades, 2u);
  // Once kept, always.
  fold_->SetWatched(TokenNumber(1), false);
  EXPECT_EQ(fold_->counts().kept, 2u);
}

TEST_F(FoldTest, WaitsWithRowsUntilAChunkIsCompleteOrTheIntervalIsOver) {
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

TEST_F(FoldTest, ShortIntervalsEndBeforeTheChunk) {
  options_.row_interval = absl::Minutes(5);
  Restart();
  for (int i = 0; i < 3; ++i) Log(1, absl::Minutes(30));
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(Write(false).rows(), 0u);
  Log(2, absl::Minutes(35));
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(Write(false).rows(), 2u);
}

TEST_F(FoldTest, TooManyDirtySeriesDoNotWait) {
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

TEST_F(FoldTest, AFlushHasAtMostSoManyRows) {
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

TEST_F(FoldTest, WhatChangesInFlightIsWrittenAgain) {
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

TEST_F(FoldTest, AFailedFlushLosesNothing) {
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

TEST_F(FoldTest, IdleSeriesLeaveAndComeBack) {
  for (int i = 0; i < 3; ++i) Log(1);
  ASSERT_TRUE(Apply().ok());
  Write();
  EXPECT_TRUE(IsHot(1));
  Pass(absl::Hours(3));
  EXPECT_FALSE(IsHot(1));
  EXPECT_GE(fold_->counts().evicted, 1u);
  Log(1, absl::Hours(3));
  // Into a chunk that is written already.
  Log(1, absl::Minutes(1));
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(Read(1).trades, 5u);
  EXPECT_EQ(fold_->counts().loads, 2u);
  EXPECT_EQ(fold_->counts().late_candles, 1u);
  std::vector<size_t> minutes;
  hot_.ReadChunks(Key(1), Start(), Start() + absl::Hours(24),
                  [&](const CandleChunk& chunk) { minutes.push_back(chunk.size()); });
  EXPECT_THAT(minutes, ElementsAre(2, 1));
  Write();
  Log(1, absl::Hours(3));
  ASSERT_TRUE(Apply().ok());
  // The old chunk is written and left.
  minutes.clear();
  hot_.ReadChunks(Key(1), Start(), Start() + absl::Hours(24),
                  [&](const CandleChunk& chunk) { minutes.push_back(chunk.size()); });
  EXPECT_THAT(minutes, ElementsAre(1));
}

TEST_F(FoldTest, WhatIsNotWrittenDoesNotLeave) {
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

TEST_F(FoldTest, BytesAreBoundedToo) {
  options_.max_bytes = 60'000;
  Restart();
  for (uint64_t token = 0; token < 200; ++token) {
    Log(token);
    while (!Apply().ok()) Write(false);
  }
  EXPECT_LE(fold_->counts().hot_bytes, options_.max_bytes * 5 / 4 + 4000);
  EXPECT_GT(fold_->counts().hot, 10u);
}

TEST_F(FoldTest, AnErrorOfTheHistoryChangesNothing) {
  for (int i = 0; i < 3; ++i) Log(1);
  ASSERT_TRUE(Apply().ok());
  Write();
  Pass(absl::Hours(3));
  Write();
  const Checkpoint before = fold_->position();
  Log(2, absl::Hours(3));
  Log(1, absl::Hours(3));
  database_.outage = absl::UnavailableError("the database is away");
  EXPECT_EQ(Apply(), database_.outage);
  EXPECT_EQ(fold_->position(), before);
  EXPECT_FALSE(IsHot(2));
  database_.outage = absl::OkStatus();
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(Read(1).trades, 4u);
  EXPECT_EQ(Read(2).trades, 1u);
}

TEST_F(FoldTest, StopsAtWhatItCannotRead) {
  EXPECT_TRUE(absl::IsFailedPrecondition(fold_->Apply({{Log(1)}, 1, 1})));
  EXPECT_EQ(fold_->position().cursor, 0u);
  EXPECT_FALSE(IsHot(1));
}

TEST_F(FoldTest, RowsThatAreGoneOrDamagedAreNotReplaced) {
  for (int i = 0; i < 3; ++i) Log(1);
  ASSERT_TRUE(Apply().ok());
  Write();
  Pass(absl::Hours(3));
  const auto rows = std::exchange(database_.rows, {});
  Log(1, absl::Minutes(1));
  EXPECT_TRUE(absl::IsDataLoss(Apply()));
  database_.rows = rows;
  database_.chunks.begin()->second = "garbage";
  EXPECT_TRUE(absl::IsDataLoss(Apply()));
}

TEST_F(FoldTest, RepeatedTradesCountOnce) {
  for (int i = 0; i < 4; ++i) Log(1);
  ASSERT_TRUE(Apply().ok());
  // The same batch again, and one that overlaps.
  ASSERT_TRUE(fold_->Apply({log_, 4, 0}).ok());
  Log(1);
  ASSERT_TRUE(fold_->Apply({log_, 5, 0}).ok());
  EXPECT_EQ(Read(1).trades, 5u);
  EXPECT_EQ(fold_->counts().repeats, 8u);
  EXPECT_EQ(fold_->counts().trades, 5u);
}

TEST_F(FoldTest, TellsOfEachTokenWhosePriceChangedOnce) {
  Log(1);
  Log(2);
  Log(1);
  Log(1).quote = Canonical(testing::kUsdc);
  ASSERT_TRUE(Apply().ok());
  EXPECT_THAT(listener_.told, UnorderedElementsAre(TokenNumber(1), TokenNumber(2)));
  listener_.told.clear();
  Log(1, -absl::Minutes(1));
  Log(2).reserves = Reserves{};
  ASSERT_TRUE(Apply().ok());
  EXPECT_TRUE(listener_.told.empty());
  EXPECT_EQ(fold_->counts().unpriced, 1u);
}

TEST_F(FoldTest, AFollowerHasNothingToWriteOnceTheWriterHas) {
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

TEST_F(FoldTest, AReplicaThatLagsDoesNotTakeRowsBack) {
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

TEST_F(FoldTest, ParksEverythingAnewWhenMostOfItIsDead) {
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

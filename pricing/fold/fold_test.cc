// What the fold makes of trades, rule by rule. What it writes is in fold_flush_test.cc; what happens when everything
// happens at once in fold_model_test.cc.
#include "pricing/fold/fold.h"

#include <memory>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pricing/testing/fake_database.h"
#include "pricing/testing/fold_bed.h"
#include "pricing/testing/trades.h"

namespace tokenwatch::pricing {
namespace {

using testing::Canonical;
using ::testing::ElementsAre;
using testing::FakeDatabase;
using testing::Start;
using testing::TokenNumber;
using ::testing::UnorderedElementsAre;
using testing::WalletNumber;

class FoldTest : public testing::FoldBed {};

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

TEST_F(FoldTest, SaysSoWhenTheLogWasNotThereFromItsBeginning) {
  Log(1);
  Log(2, absl::Minutes(1));
  // Retention has dropped the trades so far before anything was folded.
  database_.pruned_to = 2;
  Log(3, absl::Minutes(2));
  for (int i = 0; i < 3; ++i) Log(1, absl::Minutes(3));
  const auto kept = [&] { return TradeBatch{{log_.begin() + 2, log_.end()}, log_.size(), 0}; };
  database_.outage = absl::UnavailableError("the registry is away");
  EXPECT_EQ(fold_->Apply(kept()), database_.outage);
  database_.outage = absl::OkStatus();
  ASSERT_TRUE(fold_->Apply(kept()).ok());
  EXPECT_TRUE(Read(1).is_partial);
  EXPECT_FALSE(Read(3).is_partial) << "nothing was traded of it before";
  Flush flush = Write();
  ASSERT_EQ(flush.series.size(), 1u);
  EXPECT_TRUE(flush.series[0].is_partial);
  EXPECT_EQ(flush.checkpoint.log_began, Start() + absl::Minutes(2));
  // A token that comes back much later may still lack trades; one that is new does not; nor does one that was parked.
  Restart();
  Log(2, absl::Hours(6));
  Log(3, absl::Hours(6));
  Log(4, absl::Hours(6));
  ASSERT_TRUE(Apply().ok());
  EXPECT_TRUE(Read(2).is_partial);
  EXPECT_FALSE(Read(3).is_partial);
  EXPECT_EQ(Read(3).trades, 2u);
  EXPECT_FALSE(Read(4).is_partial);
  // It is still known when the series comes back from where it was parked.
  Write();
  Pass(absl::Hours(12));
  ASSERT_FALSE(IsHot(2));
  Restart();
  Log(2, absl::Hours(13));
  ASSERT_TRUE(Apply().ok());
  EXPECT_TRUE(Read(2).is_partial);
  EXPECT_EQ(Read(2).trades, 2u);
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

}  // namespace
}  // namespace tokenwatch::pricing

#include "pricing/candles/candle.h"

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "pricing/candles/candle_chunk.h"
#include "pricing/testing/trades.h"

namespace tokenwatch::pricing {
namespace {

using testing::MessyTrades;
using testing::PricedTrade;
using testing::Start;

Candle Minute(const Trade& trade) { return CandleOf(trade, PriceOf(trade)->ratio, Interval::k1m); }

std::vector<Candle> CandlesOf(const std::vector<Trade>& trades, Interval interval) {
  std::vector<Candle> candles;
  for (const Trade& trade : trades) {
    if (const auto price = PriceOf(trade)) candles.push_back(CandleOf(trade, price->ratio, interval));
  }
  return candles;
}

// Merges all into one, whatever their times: as two pieces that were merged before, and so on.
Candle MergeInAnyShape(std::vector<Candle> candles, std::mt19937_64& random) {
  while (candles.size() > 1) {
    const size_t from = random() % candles.size();
    std::swap(candles[from], candles.back());
    const Candle taken = candles.back();
    candles.pop_back();
    Merge(taken, candles[random() % candles.size()]);
  }
  return candles.front();
}

TEST(CandleTest, StartsAreMultiplesSinceTheEpoch) {
  const absl::Time at = Start() + absl::Minutes(47) + absl::Milliseconds(12'345);
  EXPECT_EQ(StartOf(Interval::k1s, at), Start() + absl::Minutes(47) + absl::Seconds(12));
  EXPECT_EQ(StartOf(Interval::k1m, at), Start() + absl::Minutes(47));
  EXPECT_EQ(StartOf(Interval::k5m, at), Start() + absl::Minutes(45));
  EXPECT_EQ(StartOf(Interval::k1h, at), Start());
  EXPECT_EQ(StartOf(Interval::k1d, at), absl::FromCivil(absl::CivilDay(2026, 7, 3), absl::UTCTimeZone()));
  EXPECT_EQ(StartOf(Interval::k1d, absl::UnixEpoch() - absl::Nanoseconds(1)), absl::UnixEpoch() - absl::Hours(24));
  for (absl::Time beyond : {absl::InfinitePast(), absl::InfiniteFuture()}) {
    // No promise but that nothing breaks, and that the same time is in the same interval.
    EXPECT_EQ(StartOf(Interval::k1m, StartOf(Interval::k1m, beyond)), StartOf(Interval::k1m, beyond));
  }
}

TEST(CandleTest, OpensWithTheFirstTradeByTimeThenByCursor) {
  Candle candle = Minute(PricedTrade(5, 1, Start() + absl::Seconds(10), 3, 1));
  Merge(Minute(PricedTrade(6, 1, Start() + absl::Seconds(5), 2, 1)), candle);
  Merge(Minute(PricedTrade(9, 1, Start() + absl::Seconds(10), 7, 1)), candle);
  Merge(Minute(PricedTrade(8, 1, Start() + absl::Seconds(10), 9, 1)), candle);
  EXPECT_EQ(candle.open, (Ratio{2, 1}));
  EXPECT_EQ(candle.close, (Ratio{7, 1}));
  EXPECT_EQ(candle.high, (Ratio{9, 1}));
  EXPECT_EQ(candle.low, (Ratio{2, 1}));
  EXPECT_EQ(candle.trades, 4u);
  EXPECT_EQ(candle.buys, 4u);
  EXPECT_EQ(candle.quote_volume, chain::Amount(20));
  EXPECT_EQ(candle.token_volume, chain::Amount(40));
  EXPECT_EQ(candle.min_cursor, 5u);
  EXPECT_EQ(candle.max_cursor, 9u);
}

TEST(CandleTest, OfEqualPricesThePairOfSmallerIntegersStays) {
  for (const auto& order :
       std::vector<std::vector<uint64_t>>{{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1}}) {
    Candle candle = Minute(PricedTrade(order[0], 1, Start(), 2 * order[0], 4 * order[0]));
    Merge(Minute(PricedTrade(order[1], 1, Start(), 2 * order[1], 4 * order[1])), candle);
    Merge(Minute(PricedTrade(order[2], 1, Start(), 2 * order[2], 4 * order[2])), candle);
    EXPECT_EQ(candle.high, (Ratio{2, 4}));
    EXPECT_EQ(candle.low, (Ratio{2, 4}));
  }
}

TEST(CandleTest, TheOutcomeDoesNotDependOnTheOrder) {
  std::mt19937_64 random(1);
  for (uint64_t seed = 0; seed < 300; ++seed) {
    std::vector<Trade> trades = MessyTrades(seed, 2 + random() % 30);
    // Some at the very same moment, which a log never has.
    for (Trade& trade : trades) {
      if (random() % 4 == 0) trade.event_time = Start();
      if (random() % 4 == 0) trade.cursor = 1;
    }
    const std::vector<Candle> candles = CandlesOf(trades, Interval::k1d);
    if (candles.size() < 2) continue;
    std::vector<Candle> one_day = candles;
    for (Candle& candle : one_day) candle.start = Start();
    const Candle expected = MergeInAnyShape(one_day, random);
    for (int i = 0; i < 20; ++i) ASSERT_EQ(MergeInAnyShape(one_day, random), expected) << "seed " << seed;
  }
}

// What ListCandles does for long intervals.
TEST(CandleTest, LongIntervalsFromMinutesAreThoseFromTrades) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const std::vector<Trade> trades = MessyTrades(seed, 200);
    std::map<absl::Time, CandleChunk> chunks;
    for (const Candle& minute : CandlesOf(trades, Interval::k1m)) {
      const absl::Time start = ChunkStart(minute.start);
      chunks.try_emplace(start, start).first->second.Add(minute);
    }
    for (Interval interval : {Interval::k1m, Interval::k5m, Interval::k1h, Interval::k1d}) {
      std::map<absl::Time, Candle> from_trades;
      for (const Candle& candle : CandlesOf(trades, interval)) {
        const auto [found, is_new] = from_trades.try_emplace(candle.start, candle);
        if (!is_new) Merge(candle, found->second);
      }
      std::map<absl::Time, Candle> from_minutes;
      for (const auto& [start, chunk] : chunks) {
        for (Candle minute : chunk.Candles()) {
          minute.start = StartOf(interval, minute.start);
          const auto [found, is_new] = from_minutes.try_emplace(minute.start, minute);
          if (!is_new) Merge(minute, found->second);
        }
      }
      ASSERT_EQ(from_minutes, from_trades) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace tokenwatch::pricing

#include "pricing/fold/series.h"

#include <algorithm>
#include <compare>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/sync/mutex.h"
#include "pricing/candles/candle.h"
#include "pricing/testing/trades.h"

namespace tokenwatch::pricing {
namespace {

using testing::MessyTrades;
using testing::PricedTrade;
using testing::Start;

PricePoint PointOf(const Trade& trade) {
  Series series;
  AddTrade(trade, PriceOf(trade), 0, series);
  return *series.last;
}

std::vector<Trade> PricedTrades(uint64_t seed, size_t count) {
  std::vector<Trade> trades = MessyTrades(seed, count);
  trades.erase(std::remove_if(trades.begin(), trades.end(), [](const Trade& trade) { return !PriceOf(trade); }),
               trades.end());
  return trades;
}

// The true one, found by looking at all.
const Trade& Highest(const std::vector<Trade>& trades) {
  return *std::max_element(trades.begin(), trades.end(), [](const Trade& a, const Trade& b) {
    const auto order = Compare(PriceOf(a)->ratio, PriceOf(b)->ratio);
    return std::is_neq(order) ? std::is_lt(order) : MomentOf(b) < MomentOf(a);
  });
}

TEST(SeriesTest, SixtyFourWritersInAnyOrderFindTheTrueHigh) {
  constexpr size_t kWriters = 64;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const std::vector<Trade> trades = PricedTrades(seed, 2000);
    std::vector<std::vector<Trade>> parts(kWriters);
    std::mt19937_64 random(seed);
    for (const Trade& trade : trades) {
      // Some are told of twice: a high is not made higher by it.
      for (uint64_t times = 1 + random() % 2; times > 0; --times) parts[random() % kWriters].push_back(trade);
    }
    common::Mutex mutex;
    HeldPoint high;
    HeldPoint low;
    HeldPoint last;
    std::vector<std::thread> writers;
    for (std::vector<Trade>& part : parts) {
      std::shuffle(part.begin(), part.end(), random);
      writers.emplace_back([&] {
        for (const Trade& trade : part) {
          const PricePoint point = PointOf(trade);
          common::MutexLock lock(mutex);
          TakeHigher(point, high);
          TakeLower(point, low);
          TakeNewer(point, last);
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
    ASSERT_TRUE(high == PointOf(Highest(trades))) << "seed " << seed;
    ASSERT_EQ(last.at(), MomentOf(*std::max_element(trades.begin(), trades.end(), [](const Trade& a, const Trade& b) {
                return MomentOf(a) < MomentOf(b);
              })));
    for (const Trade& trade : trades) ASSERT_FALSE(IsHigher(low.ratio(), PriceOf(trade)->ratio));
  }
}

TEST(SeriesTest, PartsMergedInAnyOrderHaveTheTrueHigh) {
  std::mt19937_64 random(1);
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::vector<Trade> trades = PricedTrades(seed, 60);
    if (trades.empty()) continue;
    std::vector<HeldPoint> parts(1 + random() % 64);
    for (const Trade& trade : trades) TakeHigher(PointOf(trade), parts[random() % parts.size()]);
    std::shuffle(parts.begin(), parts.end(), random);
    HeldPoint high;
    for (const HeldPoint& part : parts) {
      if (part) TakeHigher(part, high);
    }
    ASSERT_TRUE(high == PointOf(Highest(trades))) << "seed " << seed;
  }
}

TEST(SeriesTest, IsTheSameInWhateverOrderTradesCome) {
  std::mt19937_64 random(1);
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::vector<Trade> trades = MessyTrades(seed, 40);
    for (Trade& trade : trades) trade.venue = Word("pump");
    Series expected;
    for (const Trade& trade : trades) AddTrade(trade, PriceOf(trade), 0, expected);
    std::shuffle(trades.begin(), trades.end(), random);
    Series series;
    for (const Trade& trade : trades) AddTrade(trade, PriceOf(trade), 0, series);
    ASSERT_TRUE(series == expected) << "seed " << seed;
  }
}

TEST(SeriesTest, ATradeWithoutAPriceCountsInVolumeOnly) {
  Series series;
  Trade trade = PricedTrade(1, 1, Start(), 0, 0);
  const AddedTrade added = AddTrade(trade, PriceOf(trade), 0.5, series);
  EXPECT_FALSE(added.price_changed);
  EXPECT_FALSE(series.last.has_value());
  EXPECT_EQ(series.trades, 1u);
  EXPECT_EQ(series.quote_volume, trade.quote_amount);
  EXPECT_EQ(series.hot_score, 0.5);
  ASSERT_EQ(series.venues.size(), 1u);
  EXPECT_FALSE(series.venues[0].last.has_value());
  EXPECT_EQ(series.venues[0].trades, 1u);
}

TEST(SeriesTest, AnOlderTradeDoesNotChangeThePriceNow) {
  Series series;
  const auto add = [&](const Trade& trade) { return AddTrade(trade, PriceOf(trade), 1, series); };
  EXPECT_TRUE(add(PricedTrade(1, 1, Start() + absl::Minutes(10), 5, 1)).price_changed);
  EXPECT_FALSE(add(PricedTrade(2, 1, Start(), 9, 1)).price_changed);
  EXPECT_EQ(series.last->ratio, (Ratio{5, 1}));
  EXPECT_EQ(series.high->ratio, (Ratio{9, 1}));
  EXPECT_EQ(series.first.cursor, 2u);
  EXPECT_EQ(series.newest.cursor, 1u);
  // Ten minutes old it counts half.
  EXPECT_EQ(series.hot_score, 1.5);
}

TEST(SeriesTest, VenuesAreBounded) {
  Series series;
  int left_out = 0;
  for (uint64_t i = 0; i < 12; ++i) {
    Trade trade = PricedTrade(1 + i, 1, Start(), 1, 1);
    trade.venue = Word(std::string(1, static_cast<char>('a' + i)));
    left_out += AddTrade(trade, PriceOf(trade), 0, series).venue_left_out ? 1 : 0;
  }
  EXPECT_EQ(series.venues.size(), Series::kMaxVenues);
  EXPECT_EQ(left_out, 4);
  EXPECT_EQ(series.trades, 12u);
  EXPECT_EQ(series.last->venue.text(), "l");
}

}  // namespace
}  // namespace tokenwatch::pricing

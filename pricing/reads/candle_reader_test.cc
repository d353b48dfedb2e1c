#include "pricing/reads/candle_reader.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "pricing/ratio.h"
#include "pricing/testing/world.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::SizeIs;

class CandleReaderTest : public ::testing::Test {
 protected:
  // The candles of the trades themselves.
  std::map<absl::Time, Candle> Truth(const SeriesKey& key, Interval interval, absl::Time from, absl::Time to) const {
    std::map<absl::Time, Candle> candles;
    for (const Trade& trade : world_.log.trades()) {
      const auto price = PriceOf(trade);
      if (trade.token != key.token || trade.quote != key.quote || !price.has_value()) continue;
      const Candle candle = CandleOf(trade, price->ratio, interval);
      if (candle.start < StartOf(interval, from) || candle.start > StartOf(interval, to)) continue;
      const auto [place, added] = candles.try_emplace(candle.start, candle);
      if (!added) Merge(candle, place->second);
    }
    return candles;
  }

  // All pages.
  std::vector<Candle> ReadAll(const CandleReader& reader, CandleQuery query) {
    std::vector<Candle> all;
    pages_ = 0;
    while (true) {
      const auto page = reader.Read(query, absl::InfiniteFuture());
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) return all;
      ++pages_;
      EXPECT_LE(page->candles.size(), static_cast<size_t>(query.limit));
      all.insert(all.end(), page->candles.begin(), page->candles.end());
      if (!page->next.has_value()) return all;
      EXPECT_GT(*page->next, query.from);
      query.from = *page->next;
    }
  }

  void ExpectTruth(const CandleReader& reader, const CandleQuery& query) {
    const auto truth = Truth(query.key, query.interval, query.from, query.to);
    const std::vector<Candle> read = ReadAll(reader, query);
    ASSERT_EQ(read.size(), truth.size());
    size_t i = 0;
    for (const auto& [start, candle] : truth) {
      ASSERT_EQ(read[i], candle) << "the candle from " << start;
      ++i;
    }
  }

  static SeriesKey Key(uint64_t number) { return {TestToken(number), TestQuote()}; }

  World world_{{.persist_trades = 10, .persist_usd = 1e9, .row_interval = absl::Minutes(30), .idle = absl::Hours(1)}};
  MinuteReader minutes_{world_.hot, world_.store};
  SeriesReader series_{world_.hot, world_.store, world_.log,
                       [this](const SeriesKey& key) { return world_.Parked(key); }};
  CandleReader reader_{{}, minutes_, series_, world_.log};
  int pages_ = 0;
};

TEST_F(CandleReaderTest, EqualTheTradesThemselvesAtEveryLength) {
  std::mt19937 random(5);
  for (int step = 0; step < 4000; ++step) {
    absl::Duration at = absl::Seconds(45 * step) + absl::Milliseconds(random() % 45'000);
    if (random() % 30 == 0) at = std::max(absl::ZeroDuration(), at - absl::Seconds(random() % 20'000));
    world_.Add(TestToken(random() % 3 == 0 ? 2 : 1), at, 1'000 + random() % 100'000, 1'000'000 + random() % 1'000,
               [&](Trade& trade) {
                 trade.is_buy = random() % 2 == 0;
                 if (random() % 20 == 0) trade.quote = TestUsdc();
                 if (random() % 30 == 0) trade.reserves = Reserves{0, 0};
               });
    if (random() % 50 == 0) {
      world_.Fold();
      world_.Flush(false);
    }
  }
  world_.Fold();
  EXPECT_GT(world_.store.chunk_rows(), 10u);
  for (const Interval interval : {Interval::k1s, Interval::k1m, Interval::k5m, Interval::k1h, Interval::k1d}) {
    SCOPED_TRACE(absl::StrCat("interval ", static_cast<int>(interval)));
    for (const int limit : {7, 500, 5000}) {
      ExpectTruth(reader_, {Key(1), interval, TestTime() + absl::Minutes(70), TestTime() + absl::Minutes(700), limit});
    }
    ExpectTruth(reader_, {Key(2), interval, TestTime() - absl::Hours(100), TestTime() + absl::Hours(100), 5000});
    ExpectTruth(reader_, {{TestToken(1), TestUsdc()}, interval, TestTime(), TestTime() + absl::Hours(100), 5000});
  }
}

TEST_F(CandleReaderTest, APageThatCostsTooMuchIsCutBetweenCandles) {
  for (int hour = 0; hour < 200; ++hour) world_.Add(TestToken(1), absl::Hours(hour), 1'000, 1'000);
  world_.Fold();
  world_.Flush(true);
  const CandleReader thrifty({.max_chunks = 100, .max_trades = 5}, minutes_, series_, world_.log);
  ExpectTruth(thrifty, {Key(1), Interval::k1d, TestTime(), TestTime() + absl::Hours(200), 5000});
  EXPECT_EQ(pages_, 2);
  ExpectTruth(thrifty, {Key(1), Interval::k1s, TestTime(), TestTime() + absl::Hours(20), 5000});
  EXPECT_EQ(pages_, 5) << "of four trades each, or five";
}

TEST_F(CandleReaderTest, ParkedSeriesHaveCandlesToo) {
  world_.Add(TestToken(1), absl::ZeroDuration(), 1'000, 1'000);
  world_.Add(TestToken(1), absl::Seconds(70), 2'000, 1'000);
  world_.Fold();
  world_.Add(TestToken(2), absl::Hours(5), 1'000, 1'000);
  world_.Fold();
  world_.Flush(true);
  world_.Add(TestToken(2), absl::Hours(9), 1'000, 1'000);
  world_.Fold();
  world_.Flush(true);
  ASSERT_FALSE(world_.hot.Read(TestToken(1), TestQuote(), [](const Series&) {})) << "it has left memory";
  ASSERT_EQ(world_.store.series_rows(), 0u);
  ASSERT_THAT(world_.Parked(Key(1)), SizeIs(2));
  for (const Interval interval : {Interval::k1s, Interval::k1m, Interval::k1h}) {
    ExpectTruth(reader_, {Key(1), interval, TestTime(), TestTime() + absl::Hours(1), 500});
    ExpectTruth(reader_, {Key(1), interval, TestTime(), TestTime() + absl::Hours(1), 1});
  }
}

TEST_F(CandleReaderTest, SecondsNeedTheTrades) {
  for (int i = 0; i < 12; ++i) world_.Add(TestToken(1), absl::Seconds(10 * i), 1'000, 1'000);
  world_.Fold();
  world_.log.Drop(3);
  const CandleQuery query{Key(1), Interval::k1s, TestTime(), TestTime() + absl::Minutes(5), 500};
  EXPECT_EQ(reader_.Read(query, absl::InfiniteFuture()).status().code(), absl::StatusCode::kOutOfRange);
  CandleQuery later = query;
  later.from = TestTime() + absl::Minutes(1);
  ExpectTruth(reader_, later);
}

TEST_F(CandleReaderTest, TooManyTradesInAMinuteAreRefused) {
  for (int i = 0; i < 11'000; ++i) world_.Add(TestToken(1), absl::Milliseconds(5 * i), 1'000, 1'000);
  world_.Fold();
  const CandleQuery query{Key(1), Interval::k1s, TestTime(), TestTime(), 500};
  const CandleReader thrifty({.max_trades = 9'000}, minutes_, series_, world_.log);
  EXPECT_EQ(thrifty.Read(query, absl::InfiniteFuture()).status().code(), absl::StatusCode::kResourceExhausted);
  ExpectTruth(reader_, query);
}

}  // namespace
}  // namespace tokenwatch::pricing

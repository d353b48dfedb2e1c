#include "pricing/reads/history.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "pricing/testing/world.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::HasSubstr;

class HistoryTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::optional<PriceInputs>> At(const chain::TokenRef& token, absl::Time at,
                                                const chain::Address& quote = chain::Address()) {
    return history_.FindAt(token, quote, at, absl::InfiniteFuture());
  }

  // What the trades themselves say.
  std::optional<PricePoint> Truth(const chain::TokenRef& token, absl::Time at, const chain::Address& quote) const {
    std::optional<PricePoint> newest;
    for (const Trade& trade : world_.log.trades()) {
      if (trade.token != token || trade.event_time > at || (!quote.empty() && trade.quote != quote)) continue;
      const auto point = PointOf(trade);
      if (point.has_value() && (!newest.has_value() || newest->at < point->at)) newest = point;
    }
    return newest;
  }

  World world_{
      {.persist_trades = 10, .persist_usd = 1e9, .row_interval = absl::Minutes(20), .idle = absl::Minutes(30)}};
  MinuteReader minutes_{world_.hot, world_.store};
  SeriesReader series_{world_.hot, world_.store, world_.log,
                       [this](const SeriesKey& key) { return world_.Parked(key); }};
  History history_{{}, minutes_, series_, world_.log};
};

// Many tokens over five hours, of which some trade all the time and others a few times; late trades, trades that are no
// price, two quote assets; rows written and series evicted on the way.
TEST_F(HistoryTest, EqualsTheTradesThemselvesAtEveryMoment) {
  for (const uint32_t seed : {1u, 2u, 3u}) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937 random(seed);
    const uint64_t base = 100 * seed;
    for (int step = 0; step < 1500; ++step) {
      const absl::Duration now = absl::Seconds(12 * step);
      // Token 0 trades all the time, the others ever more seldom.
      const uint64_t number = static_cast<uint64_t>(std::geometric_distribution<int>(0.35)(random));
      const chain::TokenRef token = TestToken(base + std::min<uint64_t>(number, 12));
      absl::Duration at = now + absl::Milliseconds(random() % 12'000);
      if (random() % 20 == 0) at = std::max(absl::ZeroDuration(), at - absl::Seconds(random() % 4000));
      world_.Add(token, at, 1'000 + random() % 1'000'000, 1'000'000 + random() % 1'000'000, [&](Trade& trade) {
        if (random() % 15 == 0) trade.quote = TestUsdc();
        if (random() % 25 == 0) trade.reserves = Reserves{0, 0};
      });
      if (random() % 4 == 0) world_.Fold();
      if (random() % 40 == 0) {
        world_.Fold();
        world_.Flush(false);
      }
    }
    world_.Fold();
    EXPECT_GT(world_.store.series_rows(), 0u);
    EXPECT_GT(world_.fold().counts().evicted, 0u);
    int inside = 0;
    for (int probe = 0; probe < 3000; ++probe) {
      const chain::TokenRef token = TestToken(base + random() % 14);
      const absl::Time at = TestTime() + absl::Milliseconds(random() % 19'000'000) - absl::Minutes(5);
      const chain::Address quote = random() % 3 == 0 ? TestQuote() : random() % 3 == 0 ? TestUsdc() : chain::Address();
      const auto found = At(token, at, quote);
      ASSERT_TRUE(found.ok()) << found.status();
      const auto truth = Truth(token, at, quote);
      ASSERT_EQ(found->has_value(), truth.has_value()) << token.address.text() << " at " << at;
      if (!truth.has_value()) continue;
      ASSERT_EQ((*found)->point, *truth) << "at " << at;
      ++inside;
    }
    EXPECT_GT(inside, 1000);
  }
}

TEST_F(HistoryTest, AtTheVeryMomentAndJustBefore) {
  const chain::TokenRef token = TestToken(1);
  for (int i = 0; i < 12; ++i) world_.Add(token, absl::Seconds(10 * i), 1'000 + static_cast<uint64_t>(i), 1'000);
  world_.Fold();
  EXPECT_EQ((*At(token, TestTime() + absl::Seconds(50)))->point.ratio.quote_units, chain::Amount(1'005));
  EXPECT_EQ((*At(token, TestTime() + absl::Seconds(50) - absl::Nanoseconds(1)))->point.ratio.quote_units,
            chain::Amount(1'004));
  EXPECT_EQ(*At(token, TestTime() - absl::Nanoseconds(1)), std::nullopt);
  EXPECT_EQ(*At(TestToken(2), TestTime()), std::nullopt);
}

TEST_F(HistoryTest, WhatTheLogNoLongerKeepsIsRefusedAndNotGuessed) {
  const chain::TokenRef token = TestToken(1);
  for (int i = 0; i < 30; ++i) world_.Add(token, absl::Seconds(10 * i), 1'000 + static_cast<uint64_t>(i), 1'000);
  world_.Fold();
  world_.log.Drop(15);
  // Inside the first minute only its trades know.
  const auto inside = At(token, TestTime() + absl::Seconds(25));
  EXPECT_EQ(inside.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(inside.status().message(), HasSubstr("2026-07-03T14:00:00"));
  // At its end the candle does, though not by whom.
  const auto close = At(token, TestTime() + absl::Seconds(55));
  ASSERT_TRUE(close.ok()) << close.status();
  EXPECT_EQ((*close)->point.ratio, (Ratio{1'005, 1'000}));
  EXPECT_EQ((*close)->point.at.cursor, 6u);
  EXPECT_TRUE((*close)->point.transaction.empty());
  EXPECT_EQ(world_.view.Make(**close, TestTime() + absl::Seconds(55)).basis, Basis::kUnknown);
  // A minute that is half gone is not answered from the half that is left.
  EXPECT_EQ(At(token, TestTime() + absl::Seconds(165)).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_TRUE(At(token, TestTime() + absl::Seconds(185)).ok());
}

TEST_F(HistoryTest, ErrorsOfTheLogAreTold) {
  const chain::TokenRef token = TestToken(1);
  for (int i = 0; i < 12; ++i) world_.Add(token, absl::Seconds(10 * i), 1'000, 1'000);
  world_.Fold();
  world_.log.Fail(absl::UnavailableError("no log"));
  EXPECT_EQ(At(token, TestTime() + absl::Seconds(25)).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(At(token, TestTime() + absl::Hours(1)).ok()) << "the newest price needs no log";
  world_.store.Fail(absl::UnavailableError("no database"));
  EXPECT_EQ(At(token, TestTime() + absl::Hours(1)).status().code(), absl::StatusCode::kUnavailable)
      << "another series may be newer";
}

}  // namespace
}  // namespace tokenwatch::pricing

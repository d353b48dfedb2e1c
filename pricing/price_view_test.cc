#include "pricing/price_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/testing/wait_for.h"
#include "pricing/decimal_text.h"
#include "pricing/testing/world.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::HasSubstr;
using ::testing::Optional;

class PriceViewTest : public ::testing::Test {
 protected:
  std::optional<Price> Find(const chain::TokenRef& token) {
    world_.Fold();
    return world_.view.Find(token, chain::Address(), world_.clock.Now());
  }
  World world_;
  const chain::TokenRef token_ = TestToken(1);
};

TEST_F(PriceViewTest, APumpTradeHasItsRatioAndWhatFollowsFromIt) {
  const Reference reference = world_.AddReference(-absl::Minutes(1), "143.25");
  // 30 SOL against 1,073,000,000 tokens of 6 decimals.
  const Trade trade = world_.Add(token_, absl::Seconds(30), 30'000'000'000, 1'073'000'000'000'000);
  const auto price = Find(token_);
  ASSERT_TRUE(price.has_value());
  EXPECT_EQ(price->token, token_);
  EXPECT_EQ(price->quote, TestQuote());
  EXPECT_EQ(price->point->ratio, (Ratio{30'000'000'000, 1'073'000'000'000'000}));
  EXPECT_EQ(price->point->at, MomentOf(trade));
  EXPECT_EQ(price->point->transaction, trade.transaction);
  EXPECT_DOUBLE_EQ(*price->in_quote, 30.0 / 1'073'000'000.0);
  EXPECT_DOUBLE_EQ(*price->usd, 30.0 / 1'073'000'000.0 * 143.25);
  EXPECT_THAT(price->reference, Optional(reference));
  EXPECT_EQ(price->basis, Basis::kReserves);
  EXPECT_EQ(price->grade, Grade::kA);
  EXPECT_EQ(price->unknown_reason, "");
  // One more trade of 0.01 SOL against 30: (1 + 0.01 / 30)^2 - 1.
  EXPECT_NEAR(*price->confidence_bps, 6.668, 0.001);
}

TEST_F(PriceViewTest, UsdComesFromTheReferenceOfTheTradesOwnTime) {
  world_.AddReference(absl::ZeroDuration(), "100");
  world_.AddReference(absl::Minutes(10), "200");
  world_.Add(token_, absl::Minutes(5), 2'000'000'000, 1'000'000);
  world_.clock.Advance(absl::Hours(5));
  EXPECT_DOUBLE_EQ(*Find(token_)->usd, 200) << "2 SOL at 100 and not at 200";
  world_.Add(token_, absl::Minutes(10), 2'000'000'000, 1'000'000);
  EXPECT_DOUBLE_EQ(*Find(token_)->usd, 400);
}

TEST_F(PriceViewTest, SaysWhatIsMissing) {
  world_.Add(token_, absl::ZeroDuration(), 1'000, 1'000);
  auto price = Find(token_);
  EXPECT_TRUE(price->in_quote.has_value());
  EXPECT_FALSE(price->usd.has_value());
  EXPECT_THAT(price->unknown_reason, HasSubstr("no reference price of SOL"));

  world_.AddReference(-absl::Minutes(31), "100");
  EXPECT_FALSE(Find(token_)->usd.has_value()) << "older than a reference may be";

  // Launched elsewhere: only the registry knows its decimals.
  const chain::TokenRef other = TestToken(2);
  world_.log.SetDecimals(other, 9);
  world_.Add(other, absl::ZeroDuration(), 5'000'000'000, 1'000'000'000,
             [](Trade& trade) { trade.venue = Word("bonk"); });
  price = Find(other);
  EXPECT_FALSE(price->in_quote.has_value());
  EXPECT_EQ(price->unknown_reason, "the decimals of the token are not known");
  EXPECT_EQ(price->point->ratio, (Ratio{5'000'000'000, 1'000'000'000})) << "the exact ratio is known all the same";
  EXPECT_TRUE(common::WaitFor([&] { return Find(other)->in_quote.has_value(); }));
  EXPECT_DOUBLE_EQ(*Find(other)->in_quote, 5);

  const chain::TokenRef strange = TestToken(3);
  world_.Add(strange, absl::ZeroDuration(), 1'000, 1'000, [](Trade& trade) { trade.quote = TestToken(4).address; });
  EXPECT_THAT(Find(strange)->unknown_reason, HasSubstr("the decimals of the quote asset solana:"));
  EXPECT_EQ(Find(TestToken(99)), std::nullopt);
}

TEST_F(PriceViewTest, ATokenThatLeftItsLaunchVenueKeepsItsDecimals) {
  world_.Add(token_, absl::Seconds(1), 1'000'000'000, 1'000'000);
  world_.Add(token_, absl::Seconds(2), 3'000'000'000, 1'000'000, [](Trade& trade) { trade.venue = Word("pump-amm"); });
  EXPECT_DOUBLE_EQ(*Find(token_)->in_quote, 3);
  EXPECT_EQ(world_.log.lookups(), 0);
}

TEST_F(PriceViewTest, Grades) {
  world_.Add(token_, absl::ZeroDuration(), 1'000, 1'000);
  EXPECT_EQ(Find(token_)->grade, Grade::kA);
  world_.clock.Set(TestTime() + absl::Minutes(5));
  EXPECT_EQ(Find(token_)->grade, Grade::kA);
  world_.clock.Advance(absl::Nanoseconds(1));
  EXPECT_EQ(Find(token_)->grade, Grade::kC);

  world_.clock.Set(TestTime());
  const chain::TokenRef other = TestToken(2);
  world_.Add(other, absl::ZeroDuration(), 0, 0, [](Trade& trade) { trade.reserves.reset(); });
  const auto price = Find(other);
  EXPECT_EQ(price->basis, Basis::kTrade);
  EXPECT_EQ(price->grade, Grade::kB);
  EXPECT_EQ(price->confidence_bps, std::nullopt) << "nothing is known of the pool";
}

TEST_F(PriceViewTest, OraclePrices) {
  const absl::Time now = TestTime() + absl::Minutes(1);
  const PriceView& view = world_.view;
  EXPECT_EQ(view.Make(token_, OracleAnswer(), now), std::nullopt);
  OracleAnswer answer;
  answer.usd = 0.25;
  answer.event_time = TestTime();
  answer.sources.resize(1);
  answer.sources[0].used = true;
  auto price = view.Make(token_, answer, now);
  EXPECT_EQ(price->basis, Basis::kOracle);
  EXPECT_EQ(price->grade, Grade::kB) << "one source";
  EXPECT_THAT(price->usd, Optional(0.25));
  EXPECT_FALSE(price->in_quote.has_value());
  answer.sources.push_back(answer.sources[0]);
  answer.confidence_bps = 30;
  EXPECT_EQ(view.Make(token_, answer, now)->grade, Grade::kB) << "two that one alone could have moved";
  answer.is_quorum = true;
  EXPECT_EQ(view.Make(token_, answer, now)->grade, Grade::kA);
  answer.is_stale = true;
  EXPECT_EQ(view.Make(token_, answer, now)->grade, Grade::kC);
  answer.is_stale = false;
  EXPECT_EQ(view.Make(token_, answer, now + absl::Hours(1))->grade, Grade::kC);
}

TEST(DecimalTextTest, ShortestWithoutExponent) {
  EXPECT_EQ(DecimalText(0.1), "0.1");
  EXPECT_EQ(DecimalText(2.79e-8), "0.0000000279");
  EXPECT_EQ(DecimalText(1e21), "1000000000000000000000");
  EXPECT_EQ(DecimalText(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(DecimalText(std::numeric_limits<double>::infinity()), "");
  EXPECT_EQ(DecimalText(std::numeric_limits<double>::denorm_min()).size(), 326u);
}

}  // namespace
}  // namespace tokenwatch::pricing

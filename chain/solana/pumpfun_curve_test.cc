#include "chain/solana/pumpfun_curve.h"

#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "chain/solana/logs_notification.h"
#include "chain/testing/fixtures.h"

namespace tokenwatch::chain {
namespace {

constexpr CurveFees kFees{95, 30};
constexpr uint64_t kSol = 1'000'000'000;

// Section 9 of the protocol notes: gross lamports on a fresh curve to tokens.
TEST(PumpfunCurveTest, ExactInOnAFreshCurve) {
  struct Row {
    uint64_t gross, one_percent, today;
  };
  for (const Row& row :
       {Row{kSol / 100, 354'008'538'745, 353'134'691'458}, Row{kSol, 34'281'150'096'027, 34'199'203'120'618},
        Row{4 * kSol, 125'131'195'290'508, 124'858'181'763'706},
        Row{10 * kSol, 266'253'101'716'553, 265'758'513'893'900}}) {
    EXPECT_EQ(BuyExactLamportsIn(kFreshCurve, row.gross, {100, 0})->tokens, row.one_percent);
    EXPECT_EQ(BuyExactLamportsIn(kFreshCurve, row.gross, kFees)->tokens, row.today);
  }
}

// Transaction 2p4JWHfSfeoP.
TEST(PumpfunCurveTest, ExactTokensOnAFreshCurve) {
  const std::optional<CurveTrade> trade = BuyExactTokens(kFreshCurve, 1'788'384'000'000, kFees);
  ASSERT_TRUE(trade);
  EXPECT_EQ(trade->lamports, 50'084'894u);
  EXPECT_EQ(trade->protocol_fee_lamports, 475'807u);
  EXPECT_EQ(trade->creator_fee_lamports, 150'255u);
  EXPECT_EQ(trade->wallet_lamports, 50'084'894u + 475'807 + 150'255);
  EXPECT_EQ(trade->after.virtual_lamports, kInitialVirtualLamports + 50'084'894);
  EXPECT_FALSE(trade->completes);
}

// Transaction 5ZSwbesmn1so.
TEST(PumpfunCurveTest, Sell) {
  const CurveReserves curve{864'003'199'931'358, 37'256'806'514, 584'103'199'931'358, 7'256'806'514};
  const std::optional<CurveTrade> trade = SellExactTokens(curve, 25'511'755'060'526, kFees);
  ASSERT_TRUE(trade);
  EXPECT_EQ(trade->lamports, 1'068'544'735u);
  EXPECT_EQ(trade->protocol_fee_lamports, 10'151'175u);
  EXPECT_EQ(trade->creator_fee_lamports, 3'205'635u);
  EXPECT_EQ(trade->wallet_lamports, 1'068'544'735u - 10'151'175 - 3'205'635);
}

TEST(PumpfunCurveTest, RoundTripOfOneSol) {
  const std::optional<CurveTrade> buy = BuyExactLamportsIn(kFreshCurve, kSol, kFees);
  const std::optional<CurveTrade> sell = SellExactTokens(buy->after, buy->tokens, kFees);
  EXPECT_EQ(sell->lamports, 987'654'319u);
  EXPECT_EQ(sell->protocol_fee_lamports, 9'382'717u);
  EXPECT_EQ(sell->creator_fee_lamports, 2'962'963u);
  EXPECT_EQ(sell->wallet_lamports, 975'308'639u);
}

TEST(PumpfunCurveTest, Graduation) {
  const std::optional<CurveTrade> last = BuyExactTokens(kFreshCurve, kInitialRealTokens, kFees);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->lamports, 85'005'359'057u);
  EXPECT_EQ(last->wallet_lamports, 86'067'926'047u);
  EXPECT_TRUE(last->completes);
  EXPECT_EQ(last->after, (CurveReserves{279'900'000'000'000, 115'005'359'057, 0, 85'005'359'057}));
  EXPECT_EQ(*MarketCapLamports(last->after) / 10'000'000, 41'088u);  // 410.88 SOL
  EXPECT_FALSE(BuyExactTokens(last->after, 1, kFees));
  EXPECT_FALSE(BuyExactLamportsIn(last->after, kSol, kFees));
  const std::optional<CurveTrade> capped = BuyExactLamportsIn(kFreshCurve, 1000 * kSol, kFees);
  EXPECT_EQ(capped->tokens, kInitialRealTokens);
  EXPECT_TRUE(capped->completes);
}

// A wallet buys 2 SOL, a follower then 0.5 SOL (the platform's oracle on following).
TEST(PumpfunCurveTest, FollowingCosts) {
  const CurveTrade wallet = *BuyExactLamportsIn(kFreshCurve, 2 * kSol, kFees);
  const CurveTrade follower = *BuyExactLamportsIn(wallet.after, kSol / 2, kFees);
  const auto spot = [](const CurveReserves& curve) {
    return static_cast<double>(curve.virtual_lamports) / static_cast<double>(curve.virtual_tokens);
  };
  const auto cost = [](const CurveTrade& trade) {
    return static_cast<double>(trade.wallet_lamports) / static_cast<double>(trade.tokens);
  };
  EXPECT_NEAR(spot(wallet.after) / spot(kFreshCurve), 1.136, 0.0005);
  EXPECT_NEAR(cost(follower) / cost(wallet), 1.082, 0.0005);
  const CurveTrade wallet_out = *SellExactTokens(follower.after, wallet.tokens, kFees);
  const CurveTrade follower_out = *SellExactTokens(wallet_out.after, follower.tokens, kFees);
  EXPECT_NEAR(static_cast<double>(wallet_out.wallet_lamports) / static_cast<double>(wallet.wallet_lamports), 1.0047,
              0.0001);
  EXPECT_NEAR(static_cast<double>(follower_out.wallet_lamports) / static_cast<double>(follower.wallet_lamports), 0.858,
              0.0005);
}

TEST(PumpfunCurveTest, ImpossibleInputsGiveNoTrade) {
  EXPECT_FALSE(BuyExactLamportsIn({}, kSol, kFees));
  EXPECT_FALSE(BuyExactTokens({}, 1, kFees));
  EXPECT_FALSE(SellExactTokens({}, 1, kFees));
  EXPECT_FALSE(MarketCapLamports({}));
  EXPECT_FALSE(BuyExactLamportsIn(kFreshCurve, 0, kFees));
  EXPECT_FALSE(BuyExactLamportsIn(kFreshCurve, 2, kFees));
  EXPECT_FALSE(BuyExactTokens(kFreshCurve, 0, kFees));
  EXPECT_FALSE(BuyExactTokens(kFreshCurve, kInitialRealTokens + 1, kFees));
  EXPECT_FALSE(SellExactTokens(kFreshCurve, 0, kFees));
  EXPECT_FALSE(SellExactTokens(kFreshCurve, kInitialVirtualTokens, kFees)) << "the curve holds no SOL yet";
  EXPECT_FALSE(BuyExactLamportsIn(kFreshCurve, kSol, {10'001, 0}));
  const uint64_t max = std::numeric_limits<uint64_t>::max();
  EXPECT_FALSE(BuyExactLamportsIn({max, max, max, max}, max, {10'000, 10'000}));
  EXPECT_FALSE(BuyExactTokens({max, max, max, max}, max - 1, kFees));
  EXPECT_FALSE(SellExactTokens({max, max, max, max}, max, kFees));
  EXPECT_FALSE(MarketCapLamports({1, max, 0, 0}, max));
  EXPECT_EQ(SellExactTokens({1'000'000, 1'000'000, 0, 1'000'000}, 1, {10'000, 10'000})->wallet_lamports, 0u);
}

TEST(PumpfunCurveTest, PropertiesOfRandomTrades) {
  std::mt19937_64 random(5);
  CurveReserves curve = kFreshCurve;
  const auto k = [](const CurveReserves& c) {
    return static_cast<unsigned __int128>(c.virtual_lamports) * c.virtual_tokens;
  };
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t gross = random() % (kSol / 4) + 1000;
    const std::optional<CurveTrade> buy = BuyExactLamportsIn(curve, gross, kFees);
    if (!buy) {
      curve = kFreshCurve;
      continue;
    }
    ASSERT_LE(buy->wallet_lamports, gross);
    ASSERT_TRUE(k(buy->after) >= k(curve) || buy->completes);
    const std::optional<CurveTrade> larger = BuyExactLamportsIn(curve, gross + 1000, kFees);
    ASSERT_GE(larger->tokens, buy->tokens);
    const std::optional<CurveTrade> back = SellExactTokens(buy->after, buy->tokens, kFees);
    ASSERT_TRUE(back);
    ASSERT_LT(back->wallet_lamports, buy->wallet_lamports) << "a round trip never profits";
    ASSERT_TRUE(k(back->after) >= k(curve));
    const std::optional<CurveTrade> same = BuyExactTokens(curve, buy->tokens, kFees);
    ASSERT_LE(same->wallet_lamports, buy->wallet_lamports + 2);
    curve = random() % 3 == 0 ? back->after : buy->after;
    ASSERT_EQ(curve.virtual_tokens - curve.real_tokens, kInitialVirtualTokens - kInitialRealTokens);
  }
}

struct Reproduced {
  int exact_in = 0, exact_in_all = 0;
  int exact_tokens = 0, exact_tokens_all = 0;
  int sells = 0, sells_all = 0;
  int misses_without_mayhem = 0;
};

// Recomputes a recorded trade from the reserves before it; true when all its amounts come out.
bool Reproduces(const TradeEvent& event) {
  const CurveFees fees{event.fees->fee_basis_points, event.fees->creator_fee_basis_points};
  CurveReserves before{event.virtual_token_reserves, event.virtual_sol_reserves, event.real_token_reserves,
                       event.real_sol_reserves};
  std::optional<CurveTrade> trade;
  if (!event.is_buy) {
    before.virtual_tokens -= event.token_amount;
    before.real_tokens -= event.token_amount;
    before.virtual_lamports += event.sol_amount;
    before.real_lamports += event.sol_amount;
    trade = SellExactTokens(before, event.token_amount, fees);
  } else {
    before.virtual_tokens += event.token_amount;
    before.real_tokens += event.token_amount;
    before.virtual_lamports -= event.sol_amount;
    before.real_lamports -= event.sol_amount;
    trade = event.volume->instruction_name == "buy"
                ? BuyExactTokens(before, event.token_amount, fees)
                : BuyExactLamportsIn(before, event.sol_amount + event.fees->fee + event.fees->creator_fee, fees);
  }
  return trade && trade->tokens == event.token_amount && trade->lamports == event.sol_amount &&
         trade->protocol_fee_lamports == event.fees->fee && trade->creator_fee_lamports == event.fees->creator_fee &&
         trade->after.virtual_lamports == event.virtual_sol_reserves;
}

TEST(PumpfunCurveTest, RecordedTradesComeOutToTheUnit) {
  LogsDecoder decoder;
  Reproduced count;
  for (const std::string& frame :
       testing::RecordedFrames(testing::ReadFixture("solana_rpc/logs_subscribe_pumpfun_a.jsonl"))) {
    for (const PumpLogEvent& event : decoder.Decode(frame).events) {
      const TradeEvent* trade = std::get_if<TradeEvent>(&event.event);
      if (trade == nullptr) continue;
      const bool reproduced = Reproduces(*trade);
      const bool exact_tokens = trade->volume->instruction_name == "buy";
      int& all = !trade->is_buy ? count.sells_all : exact_tokens ? count.exact_tokens_all : count.exact_in_all;
      int& good = !trade->is_buy ? count.sells : exact_tokens ? count.exact_tokens : count.exact_in;
      ++all;
      good += reproduced ? 1 : 0;
      count.misses_without_mayhem += !reproduced && !trade->cashback->mayhem_mode ? 1 : 0;
    }
  }
  EXPECT_EQ(count.misses_without_mayhem, 0);
  EXPECT_EQ(count.exact_in, count.exact_in_all);
  EXPECT_EQ(count.exact_in_all + count.exact_tokens_all + count.sells_all, 61);
  // The misses are trades of the mayhem agent, who rewrites the virtual reserves in the same breath.
  EXPECT_GE(count.exact_tokens, count.exact_tokens_all - 1);
  EXPECT_GE(count.sells, count.sells_all - 2);
}

}  // namespace
}  // namespace tokenwatch::chain

// The market keeps its books: nothing appears, nothing vanishes, nobody sells what he does not hold.
#include "tests/sim/market.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/sim/options.h"

namespace tokenwatch::sim {
namespace {

Options SmallMarket() {
  Options options;
  options.launches = 60;
  options.trades = 12'000;
  options.wallets = 300;
  return options;
}

TEST(MarketTest, MakesExactlyTheLaunchesAndTradesAsked) {
  for (const auto& [launches, trades] : std::vector<std::pair<uint64_t, uint64_t>>{{60, 12'000}, {500, 100}, {7, 0}}) {
    Options options = SmallMarket();
    options.launches = launches;
    options.trades = trades;
    Market market(options);
    uint64_t launched = 0;
    uint64_t traded = 0;
    int64_t last_us = 0;
    for (Transaction transaction; market.Next(transaction);) {
      launched += transaction.launched.has_value() ? 1 : 0;
      traded += transaction.trades.size();
      EXPECT_GE(transaction.time_us, last_us);
      last_us = transaction.time_us;
    }
    EXPECT_EQ(launched, launches);
    EXPECT_EQ(traded, trades);
    EXPECT_EQ(market.tokens().size(), launches);
  }
}

TEST(MarketTest, NobodySellsMoreThanHeHolds) {
  Market market(SmallMarket());
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> held;
  for (Transaction transaction; market.Next(transaction);) {
    for (const Trade& trade : transaction.trades) {
      uint64_t& balance = held[{trade.trader, trade.token}];
      if (trade.is_buy) {
        balance += trade.fill.tokens;
      } else {
        ASSERT_GE(balance, trade.fill.tokens);
        balance -= trade.fill.tokens;
      }
      ASSERT_EQ(trade.trader_tokens_after, balance);
      ASSERT_GT(trade.fill.lamports, 0u);
    }
  }
  // And the wallets' own books say the same.
  for (uint32_t wallet = 0; wallet < market.wallets().size(); ++wallet) {
    const Wallet& state = market.wallets()[wallet];
    EXPECT_LE(state.positions.size(), Market::kMaxPositions);
    for (const auto* positions : {&state.positions, &state.settled}) {
      for (const Position& position : *positions) {
        EXPECT_EQ((held[{wallet, position.token}]), position.tokens);
        held.erase({wallet, position.token});
      }
    }
  }
  for (const auto& [key, balance] : held) {
    if (key.first != kMayhemAgent) {
      EXPECT_EQ(balance, 0u) << "a position got lost";
    }
  }
}

TEST(MarketTest, LamportsAndTokensAreConserved) {
  Market market(SmallMarket());
  int64_t fees = 0;
  for (Transaction transaction; market.Next(transaction);) {
    for (const Trade& trade : transaction.trades) {
      fees += static_cast<int64_t>(trade.fill.protocol_fee_lamports + trade.fill.creator_fee_lamports);
    }
  }
  std::map<uint32_t, uint64_t> held;
  int64_t net_lamports = market.agent_net_lamports();
  for (const Wallet& wallet : market.wallets()) {
    net_lamports += wallet.net_lamports;
    for (const Position& position : wallet.positions) held[position.token] += position.tokens;
    for (const Position& position : wallet.settled) held[position.token] += position.tokens;
  }
  int64_t in_curves = 0;
  for (uint32_t i = 0; i < market.tokens().size(); ++i) {
    const Token& token = market.tokens()[i];
    EXPECT_EQ(token.bought_lamports - token.sold_lamports, token.reserves.real_lamports);
    EXPECT_EQ(token.bought_tokens - token.sold_tokens + token.reserves.real_tokens, chain::kInitialRealTokens);
    EXPECT_EQ(held[i] + token.agent_tokens + token.reserves.real_tokens, chain::kInitialRealTokens);
    EXPECT_EQ(token.reserves.virtual_tokens - token.reserves.real_tokens,
              chain::kInitialVirtualTokens - chain::kInitialRealTokens);
    in_curves += static_cast<int64_t>(token.reserves.real_lamports);
  }
  // What the wallets paid lies in the curves or went as fees.
  EXPECT_EQ(-net_lamports, in_curves + fees);
}

TEST(MarketTest, CurvesGraduateAtTheKnownReservesAndMigrateLater) {
  Options options = SmallMarket();
  options.trades = 30'000;
  options.mayhem_ppm = 0;
  Market market(options);
  std::set<uint32_t> complete;
  std::set<uint32_t> migrated;
  for (Transaction transaction; market.Next(transaction);) {
    for (const Trade& trade : transaction.trades) {
      ASSERT_EQ(complete.count(trade.token), 0u) << "a trade on a completed curve";
      if (trade.fill.completes) complete.insert(trade.token);
    }
    if (transaction.migrated.has_value()) {
      EXPECT_EQ(complete.count(*transaction.migrated), 1u);
      EXPECT_TRUE(migrated.insert(*transaction.migrated).second);
    }
  }
  EXPECT_GT(complete.size(), 2u);
  EXPECT_EQ(migrated, complete);
  for (const uint32_t token : complete) {
    const chain::CurveReserves& reserves = market.tokens()[token].reserves;
    EXPECT_EQ(reserves.real_tokens, 0u);
    EXPECT_EQ(reserves.virtual_tokens, 279'900'000'000'000u);
    // 85,005,359,057 with the roundings of every trade in the curve's favour.
    EXPECT_GE(reserves.real_lamports, 85'005'359'057u);
    EXPECT_LT(reserves.real_lamports, 85'006'000'000u);
  }
}

TEST(MarketTest, OneCurveTakesAnyNumberOfTrades) {
  Options options = SmallMarket();
  options.launches = 1;
  options.wallets = 2;
  options.trades = 5'000;
  Market market(options);
  uint64_t traded = 0;
  for (Transaction transaction; market.Next(transaction);) traded += transaction.trades.size();
  EXPECT_EQ(traded, options.trades);
}

TEST(MarketTest, ActivityAndPopularityAreHeavyTailed) {
  Market market(SmallMarket());
  for (Transaction transaction; market.Next(transaction);) {
  }
  uint64_t busiest_wallet = 0;
  for (const Wallet& wallet : market.wallets()) busiest_wallet = std::max(busiest_wallet, wallet.trades);
  uint64_t busiest_token = 0;
  for (const Token& token : market.tokens()) busiest_token = std::max(busiest_token, token.buys + token.sells);
  EXPECT_GT(busiest_wallet, 10 * 12'000u / 300);
  EXPECT_GT(busiest_token, 3 * 12'000u / 60);
}

TEST(MarketTest, OptionsThatCannotBeAreRefusedByName) {
  Options options;
  EXPECT_TRUE(options.Validate().ok());
  options.wallets = 1;
  EXPECT_NE(options.Validate().message().find("wallets"), absl::string_view::npos);
  options = Options();
  options.failed_ppm = 1'000'000;
  EXPECT_NE(options.Validate().message().find("failed"), absl::string_view::npos);
  options = Options();
  options.solana_feed = false;
  EXPECT_NE(options.Validate().message().find("feeds"), absl::string_view::npos);
}

}  // namespace
}  // namespace tokenwatch::sim

// The simulated market itself: wallets that launch tokens and trade them on pump.fun bonding curves, with the program's
// exact arithmetic. Knows nothing of frames or feeds; the same options give the same transactions whatever feeds there
// are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "chain/solana/pubkey.h"
#include "chain/solana/pumpfun_curve.h"
#include "tests/sim/names.h"
#include "tests/sim/options.h"
#include "tests/sim/random.h"

namespace tokenwatch::sim {

// The trader index of the mayhem agent, which is no wallet.
inline constexpr uint32_t kMayhemAgent = UINT32_MAX;

struct Token {
  chain::Pubkey mint;
  chain::Pubkey curve;
  TokenTexts texts;
  uint32_t creator = 0;  // wallet index
  bool is_mayhem = false;
  bool is_cashback = false;
  bool complete = false;  // the last real token was sold
  bool migrated = false;
  chain::CurveReserves reserves = chain::kFreshCurve;
  uint64_t agent_tokens = 0;  // held by the mayhem agent

  // Sums over the trades so far; lamports are those of the curve, without fees.
  uint64_t buys = 0;
  uint64_t sells = 0;
  uint64_t bought_lamports = 0;
  uint64_t sold_lamports = 0;
  uint64_t bought_tokens = 0;
  uint64_t sold_tokens = 0;
  // Reserves after the trade with the highest price virtual_lamports / virtual_tokens; zeros before the first trade.
  uint64_t high_virtual_lamports = 0;
  uint64_t high_virtual_tokens = 0;
};

struct Position {
  uint32_t token = 0;
  uint64_t tokens = 0;
};

struct Wallet {
  chain::Pubkey key;
  int64_t net_lamports = 0;  // received by sells minus paid for buys, fees (and cashback withheld) included
  uint64_t trades = 0;
  std::vector<Position> positions;  // at most kMaxPositions
  std::vector<Position> settled;    // of completed curves, which can no longer be sold there
};

enum class Instruction : uint8_t { kBuy, kBuyExactSolIn, kBuyExactQuoteIn, kSell };

struct Trade {
  uint32_t token = 0;
  uint32_t trader = 0;  // wallet index or kMayhemAgent
  bool is_buy = false;
  Instruction instruction = Instruction::kBuy;
  chain::CurveFees fees;  // the creator rate is cashback on cashback curves
  chain::CurveTrade fill;
  uint64_t trader_tokens_after = 0;
};

// The agent rewrote the virtual reserves of its curve before its trade.
struct MayhemRewrite {
  uint32_t token = 0;
  chain::CurveReserves before;
  chain::CurveReserves after;
};

struct Transaction {
  int64_t time_us = 0;                   // Unix time
  std::optional<uint32_t> launched;      // token index; then `trades` holds the creator's first trade or nothing
  std::optional<uint32_t> migrated;      // token index; nothing else happens
  std::optional<MayhemRewrite> rewrite;  // announced by an event
  std::vector<Trade> trades;

  int64_t timestamp_s() const { return time_us / 1'000'000; }
};

// One thread at a time. Memory: a state per token and per wallet, whatever the number of trades.
class Market {
 public:
  // Beyond this many tokens a wallet sells before it buys others.
  static constexpr size_t kMaxPositions = 16;

  // Precondition: options.Validate().ok().
  explicit Market(const Options& options);

  // Makes the next transaction happen; false when all launches, trades and migrations have.
  bool Next(Transaction& transaction);

  const std::vector<Token>& tokens() const { return tokens_; }
  const std::vector<Wallet>& wallets() const { return wallets_; }
  int64_t agent_net_lamports() const { return agent_net_lamports_; }
  const chain::Pubkey& agent_key() const { return agent_key_; }
  const chain::Pubkey& TraderKey(const Trade& trade) const {
    return trade.trader == kMayhemAgent ? agent_key_ : wallets_[trade.trader].key;
  }

 private:
  struct AwaitingMigration {
    int64_t due_ns = 0;
    uint32_t token = 0;
  };

  bool ShouldLaunch();
  void Launch(Transaction& transaction);
  bool TradeOne(Transaction& transaction);
  bool TradeByWallet(uint32_t wallet, uint32_t token, Transaction& transaction);
  bool TryBuy(uint32_t wallet, uint32_t token, Transaction& transaction);
  std::optional<Trade> QuoteBuy(const Token& token, uint64_t gross_lamports);
  bool TrySellAny(uint32_t wallet, uint32_t preferred_token, Transaction& transaction);
  bool TrySell(uint32_t wallet, Position& position, Transaction& transaction);
  bool TryAgentTrade(uint32_t token, Transaction& transaction);
  bool SellOfAnyHolder(Transaction& transaction);
  void Apply(const Trade& trade, Transaction& transaction);
  void Complete(uint32_t token);
  uint32_t PickActive();
  uint64_t DrawGrossLamports();
  Position* FindPosition(Wallet& wallet, uint32_t token);
  void SettleCompleted(Wallet& wallet);
  // Whether a buy may empty a curve: not when too few curves would be left to trade on.
  bool MayComplete() const;

  Random random_;
  Random launch_random_;
  const uint32_t hostile_name_ppm_;
  const uint32_t mayhem_ppm_;
  const uint32_t cashback_ppm_;
  const uint64_t nanoseconds_per_trade_;
  uint64_t launches_left_;
  uint64_t trades_left_;
  int64_t now_ns_;
  chain::Pubkey agent_key_;
  int64_t agent_net_lamports_ = 0;
  std::vector<Token> tokens_;
  std::vector<Wallet> wallets_;
  std::vector<uint32_t> active_;  // tokens people buy, the most popular first
  std::deque<AwaitingMigration> awaiting_migration_;
};

}  // namespace tokenwatch::sim

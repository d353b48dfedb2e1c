#include "tests/sim/market.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "chain/base58.h"
#include "chain/solana/pda.h"

namespace tokenwatch::sim {
namespace {

constexpr uint64_t kMarketStream = 1;
constexpr uint64_t kLaunchStream = 2;
constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;

constexpr chain::CurveFees kUsualFees{95, 30};
constexpr chain::CurveFees kAgentFees{0, 0};

constexpr size_t kMaxActive = 512;
// With this few curves left and no launch to come, none may complete, or there would be nothing to trade.
constexpr size_t kMinActive = 4;
constexpr uint64_t kDustTokens = 1'000'000;  // one token
// A sale of less may cost more in fees than it brings, which the program forgives: the books would not balance.
constexpr uint64_t kDustLamports = 1'000;

constexpr uint64_t kFirstTradePpm = 850'000;
constexpr uint64_t kSellPpm = 420'000;
constexpr uint64_t kAgentTradePpm = 120'000;
constexpr uint64_t kSeveralTradesPpm = 60'000;

// pump.fun mints end in "pump". A 44-character text below 17 x 58^43 is below 2^256, hence a key.
chain::Pubkey DrawMint(Random& random) {
  constexpr char kAlphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  chain::Pubkey mint;
  std::string text(chain::kMaxBase58Size32, '1');
  do {
    text[0] = kAlphabet[random.Between(1, 16)];
    for (size_t i = 1; i < text.size(); ++i) text[i] = kAlphabet[random.Below(58)];
    text.replace(text.size() - 4, 4, "pump");
  } while (!chain::DecodeBase58(text, mint.bytes));
  return mint;
}

bool PriceIsHigher(uint64_t lamports, uint64_t tokens, uint64_t than_lamports, uint64_t than_tokens) {
  return static_cast<unsigned __int128>(lamports) * than_tokens >
         static_cast<unsigned __int128>(than_lamports) * tokens;
}

}  // namespace

Market::Market(const Options& options)
    : random_(options.seed, kMarketStream),
      launch_random_(options.seed, kLaunchStream),
      hostile_name_ppm_(options.hostile_name_ppm),
      mayhem_ppm_(options.mayhem_ppm),
      cashback_ppm_(options.cashback_ppm),
      nanoseconds_per_trade_(kNanosecondsPerSecond / options.trades_per_second),
      launches_left_(options.launches),
      trades_left_(options.trades),
      now_ns_(options.start_s * kNanosecondsPerSecond) {
  tokens_.reserve(options.launches);
  wallets_.resize(options.wallets);
  for (Wallet& wallet : wallets_) random_.Fill(wallet.key.bytes.data(), wallet.key.bytes.size());
  random_.Fill(agent_key_.bytes.data(), agent_key_.bytes.size());
}

bool Market::Next(Transaction& transaction) {
  transaction.launched.reset();
  transaction.migrated.reset();
  transaction.rewrite.reset();
  transaction.trades.clear();

  now_ns_ += static_cast<int64_t>(random_.Below(2 * nanoseconds_per_trade_ + 1));
  const bool nothing_else = launches_left_ == 0 && trades_left_ == 0;
  const bool migrates = !awaiting_migration_.empty() && (nothing_else || awaiting_migration_.front().due_ns <= now_ns_);
  if (nothing_else && !migrates) return false;
  if (migrates) {
    now_ns_ = std::max(now_ns_, awaiting_migration_.front().due_ns);
    transaction.migrated = awaiting_migration_.front().token;
    tokens_[*transaction.migrated].migrated = true;
    awaiting_migration_.pop_front();
  } else if (ShouldLaunch()) {
    Launch(transaction);
  } else if (!TradeOne(transaction)) {
    return false;
  } else if (random_.ChancePpm(kSeveralTradesPpm)) {
    // A bundle: others buy or sell the same token in the same transaction.
    const uint32_t token = transaction.trades.front().token;
    for (uint64_t more = random_.Between(1, 3); more > 0 && trades_left_ > 0 && !tokens_[token].complete; --more) {
      TradeByWallet(static_cast<uint32_t>(random_.SkewedBelow(wallets_.size())), token, transaction);
    }
  }
  transaction.time_us = now_ns_ / 1000;
  return true;
}

bool Market::ShouldLaunch() {
  if (launches_left_ == 0) return false;
  if (active_.empty() || trades_left_ == 0) return true;
  // Proportional to what is left of each, a little ahead of the trades so that the last launches are traded too.
  return random_.Below(trades_left_ - trades_left_ / 8 + 1) < launches_left_;
}

void Market::Launch(Transaction& transaction) {
  const auto index = static_cast<uint32_t>(tokens_.size());
  Token& token = tokens_.emplace_back();
  token.mint = DrawMint(launch_random_);
  token.curve = chain::BondingCurveAddress(token.mint);
  token.texts = DrawTexts(launch_random_, hostile_name_ppm_);
  token.creator = static_cast<uint32_t>(random_.SkewedBelow(wallets_.size()));
  token.is_mayhem = launch_random_.ChancePpm(mayhem_ppm_);
  token.is_cashback = launch_random_.ChancePpm(cashback_ppm_);
  --launches_left_;
  transaction.launched = index;

  // Interest moves on: a newcomer takes the place of one of the less popular half.
  if (active_.size() < kMaxActive) {
    active_.push_back(index);
  } else {
    active_[kMaxActive / 2 + random_.Below(kMaxActive / 2)] = index;
  }
  if (trades_left_ > 0 && random_.ChancePpm(kFirstTradePpm)) TryBuy(token.creator, index, transaction);
}

uint32_t Market::PickActive() {
  const uint64_t slot = random_.SkewedBelow(active_.size());
  const uint32_t token = active_[slot];
  // Popularity wanders: every now and then two change places.
  if (random_.Below(64) == 0) std::swap(active_[slot], active_[random_.Below(active_.size())]);
  return token;
}

bool Market::TradeOne(Transaction& transaction) {
  constexpr int kAttempts = 16;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const uint32_t token = PickActive();
    if (tokens_[token].is_mayhem && random_.ChancePpm(kAgentTradePpm)) {
      if (TryAgentTrade(token, transaction)) return true;
      continue;
    }
    if (TradeByWallet(static_cast<uint32_t>(random_.SkewedBelow(wallets_.size())), token, transaction)) return true;
  }
  return SellOfAnyHolder(transaction);
}

bool Market::TradeByWallet(uint32_t wallet, uint32_t token, Transaction& transaction) {
  if (random_.ChancePpm(kSellPpm) && TrySellAny(wallet, token, transaction)) return true;
  return TryBuy(wallet, token, transaction) || TrySellAny(wallet, token, transaction);
}

bool Market::MayComplete() const { return launches_left_ > 0 || active_.size() > kMinActive; }

uint64_t Market::DrawGrossLamports() {
  constexpr uint64_t kHundredths[] = {1, 2, 5, 5, 10, 10, 10, 20, 20, 30, 50, 50, 100, 100, 200, 300, 500, 1000};
  uint64_t lamports = kHundredths[random_.SkewedBelow(std::size(kHundredths))] * 10'000'000;
  if (random_.Below(4) == 0) lamports = kHundredths[random_.Below(std::size(kHundredths))] * 10'000'000;
  if (random_.Below(2) == 0) lamports = lamports / 2 + random_.Below(lamports);
  return lamports;
}

std::optional<Trade> Market::QuoteBuy(const Token& token, uint64_t gross_lamports) {
  Trade trade;
  trade.is_buy = true;
  trade.fees = kUsualFees;
  const auto exact_in = chain::BuyExactLamportsIn(token.reserves, gross_lamports, trade.fees);
  if (!exact_in.has_value()) return std::nullopt;
  uint64_t tokens = exact_in->tokens;
  if (!MayComplete()) tokens = std::min(tokens, token.reserves.real_tokens / 8);
  const uint64_t kind = random_.Below(10);
  if (kind < 4 && tokens == exact_in->tokens && !exact_in->completes) {
    trade.instruction = kind < 3 ? Instruction::kBuyExactSolIn : Instruction::kBuyExactQuoteIn;
    trade.fill = *exact_in;
    return trade;
  }
  // Whoever would take the last tokens asks for exactly those, and so pays only for them.
  if (tokens < kDustTokens && tokens < token.reserves.real_tokens) return std::nullopt;
  const auto exact_out = chain::BuyExactTokens(token.reserves, tokens, trade.fees);
  if (!exact_out.has_value()) return std::nullopt;
  trade.fill = *exact_out;
  return trade;
}

bool Market::TryBuy(uint32_t wallet_index, uint32_t token, Transaction& transaction) {
  Wallet& wallet = wallets_[wallet_index];
  if (tokens_[token].complete) return false;
  if (wallet.positions.size() >= kMaxPositions && FindPosition(wallet, token) == nullptr) {
    SettleCompleted(wallet);
    if (wallet.positions.size() >= kMaxPositions) return false;
  }
  std::optional<Trade> trade = QuoteBuy(tokens_[token], DrawGrossLamports());
  if (!trade.has_value()) return false;
  trade->token = token;
  trade->trader = wallet_index;
  Position* position = FindPosition(wallet, token);
  if (position == nullptr) position = &wallet.positions.emplace_back(Position{token, 0});
  position->tokens += trade->fill.tokens;
  trade->trader_tokens_after = position->tokens;
  Apply(*trade, transaction);
  return true;
}

bool Market::TrySellAny(uint32_t wallet_index, uint32_t preferred_token, Transaction& transaction) {
  Wallet& wallet = wallets_[wallet_index];
  SettleCompleted(wallet);
  if (wallet.positions.empty()) return false;
  Position* position = FindPosition(wallet, preferred_token);
  if (position == nullptr || random_.Below(2) == 0) {
    position = &wallet.positions[random_.Below(wallet.positions.size())];
  }
  return TrySell(wallet_index, *position, transaction);
}

bool Market::TrySell(uint32_t wallet_index, Position& position, Transaction& transaction) {
  constexpr uint64_t kPercents[] = {100, 100, 100, 50, 50, 25};
  uint64_t tokens = position.tokens;
  if (random_.Below(8) == 0) {
    tokens = 1 + random_.Below(tokens);
  } else {
    tokens = tokens / 100 * kPercents[random_.Below(std::size(kPercents))];
  }
  if (position.tokens - tokens < 100 * kDustTokens) tokens = position.tokens;
  const auto fill = chain::SellExactTokens(tokens_[position.token].reserves, tokens, kUsualFees);
  if (!fill.has_value() || fill->lamports < kDustLamports) return false;

  Trade trade;
  trade.token = position.token;
  trade.trader = wallet_index;
  trade.instruction = Instruction::kSell;
  trade.fees = kUsualFees;
  trade.fill = *fill;
  position.tokens -= tokens;
  trade.trader_tokens_after = position.tokens;
  if (position.tokens == 0) {
    std::vector<Position>& positions = wallets_[wallet_index].positions;
    position = positions.back();
    positions.pop_back();
  }
  Apply(trade, transaction);
  return true;
}

bool Market::TryAgentTrade(uint32_t token_index, Transaction& transaction) {
  Token& token = tokens_[token_index];
  MayhemRewrite rewrite{token_index, token.reserves, token.reserves};
  rewrite.after.virtual_lamports = std::clamp<uint64_t>(
      token.reserves.virtual_lamports / 1000 * random_.Between(900, 1120), 20'000'000'000, 300'000'000'000);

  Trade trade;
  trade.token = token_index;
  trade.trader = kMayhemAgent;
  trade.fees = kAgentFees;
  trade.is_buy = token.agent_tokens < kDustTokens || random_.Below(2) == 0;
  std::optional<chain::CurveTrade> fill;
  if (trade.is_buy) {
    fill = chain::BuyExactLamportsIn(rewrite.after, DrawGrossLamports(), trade.fees);
    const uint64_t most = token.reserves.real_tokens / 8;
    if (fill.has_value()) fill = chain::BuyExactTokens(rewrite.after, std::min(fill->tokens, most), trade.fees);
  } else {
    trade.instruction = Instruction::kSell;
    fill = chain::SellExactTokens(rewrite.after, 1 + random_.Below(token.agent_tokens), trade.fees);
  }
  if (!fill.has_value() || fill->lamports == 0) return false;
  trade.fill = *fill;
  token.agent_tokens += trade.is_buy ? fill->tokens : 0;
  token.agent_tokens -= trade.is_buy ? 0 : fill->tokens;
  trade.trader_tokens_after = token.agent_tokens;
  // Half of the rewrites are announced by an event of their own, half only show in the trade's reserves.
  if (random_.Below(2) == 0) transaction.rewrite = rewrite;
  Apply(trade, transaction);
  return true;
}

// The last resort of a market whose curves are nearly sold out; rare enough that its cost does not matter.
bool Market::SellOfAnyHolder(Transaction& transaction) {
  for (uint32_t wallet = 0; wallet < wallets_.size(); ++wallet) {
    SettleCompleted(wallets_[wallet]);
    for (Position& position : wallets_[wallet].positions) {
      if (TrySell(wallet, position, transaction)) return true;
    }
  }
  return false;
}

void Market::Apply(const Trade& trade, Transaction& transaction) {
  Token& token = tokens_[trade.token];
  const auto wallet_lamports = static_cast<int64_t>(trade.fill.wallet_lamports);
  int64_t& net_lamports = trade.trader == kMayhemAgent ? agent_net_lamports_ : wallets_[trade.trader].net_lamports;
  net_lamports += trade.is_buy ? -wallet_lamports : wallet_lamports;
  if (trade.trader != kMayhemAgent) ++wallets_[trade.trader].trades;
  if (trade.is_buy) {
    ++token.buys;
    token.bought_lamports += trade.fill.lamports;
    token.bought_tokens += trade.fill.tokens;
  } else {
    ++token.sells;
    token.sold_lamports += trade.fill.lamports;
    token.sold_tokens += trade.fill.tokens;
  }
  token.reserves = trade.fill.after;
  if (token.high_virtual_tokens == 0 || PriceIsHigher(token.reserves.virtual_lamports, token.reserves.virtual_tokens,
                                                      token.high_virtual_lamports, token.high_virtual_tokens)) {
    token.high_virtual_lamports = token.reserves.virtual_lamports;
    token.high_virtual_tokens = token.reserves.virtual_tokens;
  }
  --trades_left_;
  transaction.trades.push_back(trade);
  if (trade.fill.completes) Complete(trade.token);
}

void Market::Complete(uint32_t token) {
  tokens_[token].complete = true;
  active_.erase(std::remove(active_.begin(), active_.end(), token), active_.end());
  // Migration is a later transaction of somebody else's, some seconds on.
  constexpr int64_t kMigrationDelayNs = 5 * kNanosecondsPerSecond;
  awaiting_migration_.push_back({now_ns_ + kMigrationDelayNs, token});
}

Position* Market::FindPosition(Wallet& wallet, uint32_t token) {
  for (Position& position : wallet.positions) {
    if (position.token == token) return &position;
  }
  return nullptr;
}

void Market::SettleCompleted(Wallet& wallet) {
  for (size_t i = 0; i < wallet.positions.size();) {
    if (!tokens_[wallet.positions[i].token].complete) {
      ++i;
      continue;
    }
    wallet.settled.push_back(wallet.positions[i]);
    wallet.positions[i] = wallet.positions.back();
    wallet.positions.pop_back();
  }
}

}  // namespace tokenwatch::sim

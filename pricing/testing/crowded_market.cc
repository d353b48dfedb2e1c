#include "pricing/testing/crowded_market.h"

#include <cstdlib>
#include <optional>

#include "absl/strings/str_cat.h"
#include "pricing/testing/trades.h"

namespace tokenwatch::pricing::testing {
namespace {

constexpr int kTradesPerSecond = 70;
constexpr absl::Duration kBetweenSeen = absl::Milliseconds(50);

}  // namespace

CrowdedMarket::CrowdedMarket(size_t active, size_t wallets)
    : now_(Start()), curves_(active, chain::kFreshCurve), seen_curve_(chain::kFreshCurve) {
  wallets_.reserve(wallets);
  active_.reserve(active);
  for (size_t i = 0; i < wallets; ++i) wallets_.push_back(WalletNumber(i));
  for (size_t i = 0; i < active; ++i) active_.push_back(TokenNumber(i));
}

Trade CrowdedMarket::Next() {
  if (to_see_ > 0) {
    if (to_see_ % 3 == 0) {
      ++seen_;
      seen_curve_ = chain::kFreshCurve;
    }
    const Trade trade = TradeOn(TokenNumber(active_.size() + seen_), seen_curve_, kBetweenSeen);
    if (--to_see_ == 0) now_ += absl::Hours(3);
    return trade;
  }
  std::uniform_real_distribution<double> uniform(0, 1);
  const double u = uniform(random_);
  const auto preferred = static_cast<size_t>(u * u * u * static_cast<double>(active_.size()));
  const size_t token = cursor_ % 2 == 0 ? next_++ % active_.size() : preferred;
  return TradeOn(active_[token], curves_[token], absl::Seconds(1) / kTradesPerSecond);
}

// Somebody buys for 0.001 to 1 SOL, or sells up to a third of what was sold.
Trade CrowdedMarket::TradeOn(const chain::TokenRef& token, chain::CurveReserves& curve, absl::Duration step) {
  constexpr chain::CurveFees kFees{95, 30};
  constexpr uint64_t kLeastBuy = 1'000'000;
  constexpr uint64_t kLeastSold = 1'000'000'000;
  now_ += step;
  const uint64_t sold = chain::kFreshCurve.real_tokens - curve.real_tokens;
  std::optional<chain::CurveTrade> done;
  const bool buys = sold < kLeastSold || random_() % 2 == 0;
  if (buys) done = chain::BuyExactLamportsIn(curve, kLeastBuy << random_() % 11, kFees);
  const bool is_buy = done.has_value() && !done->completes;
  if (!is_buy) done = chain::SellExactTokens(curve, 1 + random_() % (sold / 3), kFees);
  // On every curve one of the two can be done.
  if (!done.has_value()) std::abort();
  curve = done->after;

  Trade trade;
  trade.cursor = ++cursor_;
  trade.token = token;
  trade.quote = Canonical(kSol);
  trade.trader = wallets_[random_() % wallets_.size()];
  trade.is_buy = is_buy;
  trade.venue = Word("pump");
  trade.token_amount = done->tokens;
  trade.quote_amount = done->lamports;
  trade.reserves = Reserves{curve.virtual_tokens, curve.virtual_lamports};
  trade.pool_quote = curve.real_lamports;
  // As the chain tells it.
  trade.event_time = absl::FromUnixSeconds(absl::ToUnixSeconds(now_));
  trade.transaction = *chain::TransactionId::FromCanonical(
      absl::StrCat("5hk8YzxPqVnRc3oWmTgJ5hk8YzxPqVnRc3oWmTgJ5hk8YzxPqVnRc3oWmTgJ5hk8YzxPqVnR", cursor_));
  return trade;
}

size_t CrowdedMarket::memory() const {
  return wallets_.size() * sizeof wallets_[0] + active_.size() * (sizeof active_[0] + sizeof curves_[0]);
}

}  // namespace tokenwatch::pricing::testing

#include "pricing/testing/trades.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"

namespace tokenwatch::pricing::testing {
namespace {

chain::Address Numbered(absl::string_view kind, uint64_t number) {
  const std::string digits = absl::StrCat(number);
  return Canonical(absl::StrCat(kind, std::string(40 - kind.size() - digits.size(), 'x'), digits));
}

chain::TransactionId TransactionNumber(uint64_t number) {
  return *chain::TransactionId::FromCanonical(absl::StrCat("5hk8YzxPqVnRc3oWmTgJ", number));
}

chain::Amount Huge(std::mt19937_64& random) {
  return chain::Amount(std::array<uint64_t, 4>{random(), random(), random(), random() >> random() % 64});
}

}  // namespace

absl::Time Start() { return absl::FromUnixSeconds(1'783'087'200); }

chain::Address Canonical(absl::string_view text) { return *chain::Address::FromCanonical(text); }
chain::TokenRef TokenNumber(uint64_t number) { return {chain::Chain::kSolana, Numbered("Tok", number)}; }
chain::Address WalletNumber(uint64_t number) { return Numbered("Wa1", number); }

Trade SomeTrade(uint64_t cursor, uint64_t token) {
  Trade trade;
  trade.cursor = cursor;
  trade.token = TokenNumber(token);
  trade.quote = Canonical(kSol);
  trade.trader = WalletNumber(1);
  trade.is_buy = true;
  trade.venue = Word("pump");
  trade.token_amount = 10;
  trade.quote_amount = 5;
  trade.reserves = Reserves{200, 100};
  trade.pool_quote = 70;
  trade.event_time = Start();
  trade.transaction = TransactionNumber(cursor);
  return trade;
}

Trade PricedTrade(uint64_t cursor, uint64_t token, absl::Time at, uint64_t quote_units, uint64_t token_units) {
  Trade trade = SomeTrade(cursor, token);
  trade.event_time = at;
  trade.reserves = Reserves{token_units, quote_units};
  return trade;
}

std::vector<Trade> MessyTrades(uint64_t seed, size_t count) {
  std::mt19937_64 random(seed);
  const auto chance = [&](int percent) { return random() % 100 < static_cast<uint64_t>(percent); };
  const chain::Address quotes[] = {Canonical(kSol), Canonical(kUsdc), Numbered("Quote", 7)};
  std::vector<Trade> trades;
  uint64_t cursor = random() % 1000;
  absl::Time now = Start() + absl::Minutes(random() % 120);
  const auto step = static_cast<uint64_t>(absl::Hours(16) / absl::Microseconds(1)) / count;
  const uint64_t tokens = 3 + random() % 40;
  for (size_t i = 0; i < count; ++i) {
    cursor += 1 + random() % 3;
    // Some stretches are quiet, some busy.
    if (chance(70)) now += absl::Microseconds(random() % step);
    // The higher the number, the rarer the token.
    const uint64_t token = random() % (1 + random() % tokens);
    Trade trade = SomeTrade(cursor, token);
    trade.quote = quotes[chance(85) ? token % 3 : random() % 3];
    trade.trader = chance(3) ? chain::Address() : WalletNumber(random() % (5 + token * token % 90));
    trade.is_buy = chance(55);
    trade.is_mayhem = chance(5);
    trade.venue = Word(absl::StrCat("venue-", random() % (1 + token % 12)));
    trade.token_amount = random() % 1000;
    // Up to a few whole SOL, and now and then nothing.
    trade.quote_amount = chance(2) ? 0 : random() % (chance(10) ? 3'000'000'000 : 1'000'000);
    trade.reserves = Reserves{1 + random() % 6, 1 + random() % 6};
    if (chance(20))
      trade.reserves =
          Reserves{1'000'000'000'000'000 - random() % 1'000'000'000'000, 30'000'000'000 + random() % 1'000'000'000};
    if (chance(5)) trade.reserves = Reserves{Huge(random), Huge(random)};
    if (chance(3)) trade.quote_amount = Huge(random);
    if (chance(3)) trade.token_amount = Huge(random);
    if (chance(6)) trade.reserves = Reserves{};
    if (chance(15)) trade.reserves = std::nullopt;
    trade.pool_quote = chance(30) ? std::nullopt : std::optional<chain::Amount>(random() % 1'000'000);
    trade.event_time = now;
    if (chance(15)) trade.event_time -= absl::Milliseconds(random() % 90'000);
    if (chance(2)) trade.event_time -= absl::Minutes(random() % 300);
    // Whole seconds, milliseconds, or as they are.
    if (chance(40)) trade.event_time = absl::FromUnixSeconds(absl::ToUnixSeconds(trade.event_time));
    if (chance(20)) trade.event_time = absl::FromUnixMillis(absl::ToUnixMillis(trade.event_time));
    trades.push_back(trade);
  }
  return trades;
}

Trade Curve::Next(uint64_t cursor, absl::Time at) {
  const chain::CurveFees fees{95, 30};
  std::optional<chain::CurveTrade> done;
  Trade trade = SomeTrade(cursor, token_);
  while (!done) {
    trade.is_buy = sold_ == 0 || random_() % 100 < 55;
    if (trade.is_buy) {
      // From 0.01 to 3 SOL, small ones more often.
      const double exponent = 7 + 2.5 * static_cast<double>(random_() % 1000) / 1000;
      done = chain::BuyExactLamportsIn(reserves_, static_cast<uint64_t>(std::pow(10, exponent)), fees);
      // Nearly sold out: people sell.
      if (done && done->completes) done.reset();
      if (!done && sold_ == 0) reserves_ = chain::kFreshCurve;
    } else {
      done = chain::SellExactTokens(reserves_, 1 + random_() % sold_, fees);
    }
  }
  sold_ = trade.is_buy ? sold_ + done->tokens : sold_ - done->tokens;
  reserves_ = done->after;
  trade.trader = WalletNumber(random_() % 500);
  trade.token_amount = done->tokens;
  trade.quote_amount = done->lamports;
  trade.reserves = Reserves{reserves_.virtual_tokens, reserves_.virtual_lamports};
  trade.pool_quote = reserves_.real_lamports;
  trade.event_time = at;
  return trade;
}

}  // namespace tokenwatch::pricing::testing

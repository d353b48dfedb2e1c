// Trades for tests, made from seeds. Not thread-safe.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "chain/address.h"
#include "chain/solana/pumpfun_curve.h"
#include "pricing/trade.h"

namespace tokenwatch::pricing::testing {

inline constexpr absl::string_view kSol = "So11111111111111111111111111111111111111112";
inline constexpr absl::string_view kUsdc = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";
// The start of a chunk of candles: 2026-07-03 14:00 UTC.
absl::Time Start();

chain::Address Canonical(absl::string_view text);
chain::TokenRef TokenNumber(uint64_t number);
chain::Address WalletNumber(uint64_t number);

// A buy by wallet 1 in SOL on "pump" of 10 token units for 5 quote units, which left reserves of 200 and 100, at
// Start().
Trade SomeTrade(uint64_t cursor, uint64_t token);
// The same at another time, with a price of quote/token from reserves.
Trade PricedTrade(uint64_t cursor, uint64_t token, absl::Time at, uint64_t quote_units, uint64_t token_units);

// Trades as no market makes them, to find what breaks a fold: few and many trades a token, several quote assets and
// venues, equal prices of different integers, 256-bit amounts, zeroed and missing reserves, event times that step back
// by seconds and by hours. Cursors grow by one to three; the session takes about eight hours.
std::vector<Trade> MessyTrades(uint64_t seed, size_t count);

// People buying and selling on one bonding curve of pump.fun, with the program's arithmetic.
class Curve {
 public:
  Curve(uint64_t token, uint64_t seed) : token_(token), random_(seed) {}
  Trade Next(uint64_t cursor, absl::Time at);

 private:
  uint64_t token_;
  std::mt19937_64 random_;
  chain::CurveReserves reserves_ = chain::kFreshCurve;
  uint64_t sold_ = 0;
};

}  // namespace tokenwatch::pricing::testing

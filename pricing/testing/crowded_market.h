// A market of very many tokens, for benchmarks of memory: most are traded three times and never again, the others trade
// on. Trades follow the curves of pump.fun with the program's arithmetic; the same calls give the same trades.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "absl/time/time.h"
#include "chain/address.h"
#include "chain/solana/pumpfun_curve.h"
#include "pricing/trade.h"

namespace tokenwatch::pricing::testing {

// Not thread-safe.
class CrowdedMarket {
 public:
  CrowdedMarket(size_t active, size_t wallets);

  // Three trades each of so many tokens that nobody has seen; then nothing for three hours.
  void See(uint64_t tokens) { to_see_ = 3 * tokens; }
  // The next trade: of a token that is to be seen, while there are such; else of an active one, 70 a second of event
  // time. Half of these go round, so that none is idle for long; the others prefer the first.
  Trade Next();

  // What it holds, in bytes.
  size_t memory() const;

 private:
  Trade TradeOn(const chain::TokenRef& token, chain::CurveReserves& curve, absl::Duration step);

  absl::Time now_;
  uint64_t cursor_ = 0;
  std::mt19937_64 random_{1};
  std::vector<chain::Address> wallets_;
  std::vector<chain::TokenRef> active_;
  std::vector<chain::CurveReserves> curves_;
  uint64_t to_see_ = 0;
  uint64_t seen_ = 0;
  chain::CurveReserves seen_curve_;
  size_t next_ = 0;
};

}  // namespace tokenwatch::pricing::testing

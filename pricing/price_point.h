// A price with its evidence. Plain values; any thread.
#pragma once

#include <optional>

#include "chain/address.h"
#include "chain/amount.h"
#include "pricing/ratio.h"
#include "pricing/trade.h"

namespace tokenwatch::pricing {

struct PricePoint {
  Ratio ratio;
  // The ratio is that of the reserves which the trade left behind; else of its amounts.
  bool from_reserves = false;
  Moment at;
  chain::TransactionId transaction;
  Word venue;
  bool is_mayhem = false;
  // Quote units in the pool right after; nullopt when not known.
  std::optional<chain::Amount> pool_quote;

  friend bool operator==(const PricePoint&, const PricePoint&) = default;
};

}  // namespace tokenwatch::pricing

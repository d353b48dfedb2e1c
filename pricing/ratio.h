// An exact price: quote base units for token base units. Values; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "chain/amount.h"
#include "pricing/trade.h"

namespace tokenwatch::pricing {

// token_units is never 0: what would divide by zero is no price (see PriceOf).
struct Ratio {
  chain::Amount quote_units;
  chain::Amount token_units = 1;

  // The same pair of integers, which is more than the same price: 1/2 and 2/4 differ. Persisted values are compared so.
  friend bool operator==(const Ratio& a, const Ratio& b) = default;
};

// By value, exact for all 256-bit integers (the cross products need 512 bits; 64-bit integers take a shorter way).
std::strong_ordering Compare(const Ratio& a, const Ratio& b);
inline bool IsHigher(const Ratio& a, const Ratio& b) { return Compare(a, b) == std::strong_ordering::greater; }

// The price a trade leaves behind: its reserves where the feed tells them, else its amounts. nullopt when that is no
// price: zero token units (a completed curve has zeroed reserves), or zero quote units.
struct TradePrice {
  Ratio ratio;
  bool from_reserves = false;
};
std::optional<TradePrice> PriceOf(const Trade& trade);

// Derived: whole quote units for one whole token. Within two units in the last place when both integers fit 53 bits,
// and the nearest double when the decimals are equal too.
double ToDouble(const Ratio& ratio, int token_decimals, int quote_decimals);

}  // namespace tokenwatch::pricing

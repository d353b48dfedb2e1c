// The price in USD that reserves on a chain make: exact integers up to the last step.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <boost/multiprecision/cpp_int.hpp>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "chain/address.h"
#include "pricing/oracle/provider.h"
#include "pricing/reference.h"

namespace tokenwatch::pricing {

// Square roots of prices have 160 bits and their squares 320.
using WideInteger = boost::multiprecision::cpp_int;

// What a quote asset is worth in USD, where that is known and not too old. Thread-safe.
using QuoteUsd = std::function<std::optional<Reference>(const chain::TokenRef& quote)>;

// A pool's price of a token: quote base units for token base units.
struct PoolPrice {
  chain::TokenRef quote;
  WideInteger quote_units;
  WideInteger token_units;
  int quote_decimals = 0;
  int token_decimals = 0;
  // Quote base units in the pool.
  WideInteger pool_quote_units;
  absl::string_view venue;
  absl::string_view pool;
};

// Tokens with more decimals are a joke or an attack.
inline constexpr int kMaxDecimals = 36;

// numerator / denominator (above 0), less than one unit in the last place off; 0 and infinity beyond what a double
// holds.
double Divide(const WideInteger& numerator, const WideInteger& denominator);

// Adds the price in USD to the token's answer, or why there is none. The reference's time is when the price was made.
void AddPoolPrice(const PoolPrice& price, const QuoteUsd& quote_usd, absl::Time heard_at, ProviderAnswer& answer);

}  // namespace tokenwatch::pricing

#include "pricing/ratio.h"

#include <array>
#include <cmath>
#include <cstddef>

#include "pricing/amount_math.h"

namespace tokenwatch::pricing {
namespace {

using Wide = unsigned __int128;

// All 512 bits, least significant limb first.
std::array<uint64_t, 8> Multiply(const chain::Amount& a, const chain::Amount& b) {
  std::array<uint64_t, 8> product{};
  for (size_t i = 0; i < 4; ++i) {
    uint64_t carry = 0;
    for (size_t j = 0; j < 4; ++j) {
      const Wide sum = static_cast<Wide>(a.limbs()[i]) * b.limbs()[j] + product[i + j] + carry;
      product[i + j] = static_cast<uint64_t>(sum);
      carry = static_cast<uint64_t>(sum >> 64);
    }
    product[i + 4] = carry;
  }
  return product;
}

bool Fits(const Ratio& ratio) { return ratio.quote_units.FitsUint64() && ratio.token_units.FitsUint64(); }

// Powers of ten that a double holds exactly.
constexpr int kMaxExactPower = 22;

double PowerOfTen(int exponent) {
  double power = 1;
  if (exponent > kMaxExactPower) return std::pow(10.0, exponent);
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

}  // namespace

std::strong_ordering Compare(const Ratio& a, const Ratio& b) {
  if (Fits(a) && Fits(b)) {
    const Wide left = static_cast<Wide>(a.quote_units.Uint64Value()) * b.token_units.Uint64Value();
    const Wide right = static_cast<Wide>(b.quote_units.Uint64Value()) * a.token_units.Uint64Value();
    return left <=> right;
  }
  const auto left = Multiply(a.quote_units, b.token_units);
  const auto right = Multiply(b.quote_units, a.token_units);
  for (size_t i = left.size(); i-- > 0;) {
    if (left[i] != right[i]) return left[i] <=> right[i];
  }
  return std::strong_ordering::equal;
}

std::optional<TradePrice> PriceOf(const Trade& trade) {
  const chain::Amount& quote = trade.reserves ? trade.reserves->quote : trade.quote_amount;
  const chain::Amount& token = trade.reserves ? trade.reserves->token : trade.token_amount;
  if (quote.IsZero() || token.IsZero()) return std::nullopt;
  return TradePrice{Ratio{quote, token}, trade.reserves.has_value()};
}

double ToDouble(const Ratio& ratio, int token_decimals, int quote_decimals) {
  const double quotient = ToDouble(ratio.quote_units) / ToDouble(ratio.token_units);
  const int exponent = token_decimals - quote_decimals;
  return exponent >= 0 ? quotient * PowerOfTen(exponent) : quotient / PowerOfTen(-exponent);
}

}  // namespace tokenwatch::pricing

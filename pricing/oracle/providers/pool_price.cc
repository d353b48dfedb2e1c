#include "pricing/oracle/providers/pool_price.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "pricing/oracle/providers/http_provider.h"
#include "pricing/oracle/providers/json_price.h"

namespace tokenwatch::pricing {
namespace {

constexpr int kQuotientBits = 64;
// A pool has two sides, and sources that tell liquidity count both.
constexpr double kSides = 2;

WideInteger PowerOfTen(int exponent) {
  return boost::multiprecision::pow(WideInteger(10), static_cast<unsigned>(exponent));
}

}  // namespace

double Divide(const WideInteger& numerator, const WideInteger& denominator) {
  if (numerator == 0) return 0;
  // So that the quotient has 64 or 65 bits: more than a double keeps.
  const int shift = kQuotientBits - (static_cast<int>(msb(numerator)) - static_cast<int>(msb(denominator)));
  WideInteger quotient = shift >= 0 ? WideInteger(WideInteger(numerator << shift) / denominator)
                                    : WideInteger(numerator / WideInteger(denominator << -shift));
  int dropped = 0;
  while (msb(quotient) >= kQuotientBits) {
    quotient >>= 1;
    ++dropped;
  }
  return std::ldexp(static_cast<double>(quotient.convert_to<uint64_t>()), dropped - shift);
}

void AddPoolPrice(const PoolPrice& price, const QuoteUsd& quote_usd, absl::Time heard_at, ProviderAnswer& answer) {
  if (price.quote_units <= 0 || price.token_units <= 0) return Answers::NoPrice(answer, "the pool is empty");
  const bool are_decimals_sane = price.token_decimals >= 0 && price.token_decimals <= kMaxDecimals &&
                                 price.quote_decimals >= 0 && price.quote_decimals <= kMaxDecimals;
  if (!are_decimals_sane) return Answers::NoPrice(answer, absl::StrCat("it has ", price.token_decimals, " decimals"));
  const std::optional<Reference> reference = quote_usd(price.quote);
  double usd_per_quote = 0;
  if (!reference.has_value() || !absl::SimpleAtod(reference->usd, &usd_per_quote) || !(usd_per_quote > 0)) {
    return Answers::NoPrice(answer, absl::StrCat("no price in USD of its quote asset ", price.quote.address.text()));
  }
  const double in_quote = Divide(WideInteger(price.quote_units * PowerOfTen(price.token_decimals)),
                                 WideInteger(price.token_units * PowerOfTen(price.quote_decimals)));
  Observation observation;
  observation.value = in_quote * usd_per_quote;
  if (!std::isnormal(observation.value)) return Answers::NoPrice(answer, "its price is beyond all numbers");
  observation.usd = PlainDecimal(observation.value);
  observation.heard_at = heard_at;
  observation.event_time = std::min(reference->event_time, heard_at);
  observation.liquidity_usd = kSides * Divide(price.pool_quote_units, PowerOfTen(price.quote_decimals)) * usd_per_quote;
  observation.venue = Word(price.venue);
  observation.pool = std::string(price.pool);
  Answers::Add(answer, std::move(observation));
}

}  // namespace tokenwatch::pricing

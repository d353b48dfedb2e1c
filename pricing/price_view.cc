#include "pricing/price_view.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "chain/solana/quote_tokens.h"
#include "chain/solana/venue_decimals.h"
#include "pricing/amount_math.h"
#include "pricing/ratio.h"

namespace tokenwatch::pricing {
namespace {

// What one more trade of the mean size would move the price, relative: in a pool that keeps the product of its reserves
// x * y, adding q to the quote side x multiplies the price x / y by ((x + q) / x)^2.
std::optional<double> ConfidenceBps(const PriceInputs& inputs) {
  if (!inputs.point.from_reserves || inputs.mean_trade_quote <= 0) return std::nullopt;
  const double grown = 1 + inputs.mean_trade_quote / ToDouble(inputs.point.ratio.quote_units);
  return (grown * grown - 1) * 10'000;
}

std::string NameOf(const chain::TokenRef& asset) {
  if (asset.chain == chain::Chain::kSolana) {
    if (const chain::QuoteToken* known = chain::FindQuoteToken(asset.address)) return std::string(known->symbol);
  }
  return absl::StrCat(chain::ChainName(asset.chain), ":", asset.address.text());
}

}  // namespace

std::optional<PriceInputs> InputsOf(const Series& series) {
  if (!series.last.has_value()) return std::nullopt;
  PriceInputs inputs{series.key, *series.last, 0, FixedDecimals(series)};
  for (const VenueState& venue : series.venues) {
    if (venue.venue != inputs.point.venue || venue.trades == 0) continue;
    inputs.mean_trade_quote = ToDouble(venue.quote_volume) / static_cast<double>(venue.trades);
  }
  return inputs;
}

std::optional<int> FixedDecimals(const Series& series) {
  if (series.key.token.chain != chain::Chain::kSolana) return std::nullopt;
  for (const VenueState& venue : series.venues) {
    if (const std::optional<int> fixed = chain::DecimalsOfVenue(venue.venue.text())) return fixed;
  }
  return std::nullopt;
}

std::optional<int> PriceView::DecimalsOf(const chain::TokenRef& token, std::optional<int> fixed) const {
  if (fixed.has_value()) return fixed;
  if (token.chain == chain::Chain::kSolana) {
    if (const chain::QuoteToken* known = chain::FindQuoteToken(token.address)) return known->decimals;
  }
  return decimals_.Find(token);
}

std::optional<Price> PriceView::Find(const chain::TokenRef& token, const chain::Address& quote, absl::Time now) const {
  std::optional<PriceInputs> inputs;
  hot_.Read(token, quote, [&](const Series& series) { inputs = InputsOf(series); });
  if (!inputs.has_value()) return std::nullopt;
  return Make(*inputs, now);
}

Price PriceView::Make(const PriceInputs& inputs, absl::Time as_of, Memo& memo) const {
  const PricePoint& point = inputs.point;
  Price price;
  price.token = inputs.key.token;
  price.quote = inputs.key.quote;
  price.point = point;
  price.event_time = point.at.event_time;
  // Every trade has a transaction: a point without one is all that is left of it.
  price.basis = point.transaction.empty() ? Basis::kUnknown : point.from_reserves ? Basis::kReserves : Basis::kTrade;
  price.grade = as_of - price.event_time > options_.stale_after ? Grade::kC
                : point.from_reserves                           ? Grade::kA
                                                                : Grade::kB;
  price.confidence_bps = ConfidenceBps(inputs);

  const chain::TokenRef quote_asset{price.token.chain, price.quote};
  const std::optional<int> token_decimals = DecimalsOf(price.token, inputs.fixed_decimals);
  const std::optional<int> quote_decimals = DecimalsOf(quote_asset);
  if (!token_decimals.has_value()) {
    price.unknown_reason = "the decimals of the token are not known";
    return price;
  }
  if (!quote_decimals.has_value()) {
    price.unknown_reason = absl::StrCat("the decimals of the quote asset ", NameOf(quote_asset), " are not known");
    return price;
  }
  price.in_quote = ToDouble(point.ratio, *token_decimals, *quote_decimals);
  if (memo.asset_ != quote_asset || price.event_time < memo.span_.from || price.event_time >= memo.span_.until) {
    memo.asset_ = quote_asset;
    memo.span_ = references_.FindSpan(quote_asset, price.event_time, options_.reference_max_age);
    // Add() has taken positive decimal numbers only.
    if (memo.span_.reference.has_value() && !absl::SimpleAtod(memo.span_.reference->usd, &memo.usd_)) memo.usd_ = 0;
  }
  price.reference = memo.span_.reference;
  if (!price.reference.has_value()) {
    price.unknown_reason = absl::StrCat("no reference price of ", NameOf(quote_asset), " in the ",
                                        absl::FormatDuration(options_.reference_max_age), " before the trade");
    return price;
  }
  price.usd = *price.in_quote * memo.usd_;
  return price;
}

std::optional<Price> PriceView::Make(const chain::TokenRef& token, const OracleAnswer& answer, absl::Time as_of) const {
  if (!answer.usd.has_value()) return std::nullopt;
  Price price;
  price.token = token;
  price.basis = Basis::kOracle;
  price.usd = answer.usd;
  price.sources = answer.sources;
  price.event_time = answer.event_time;
  price.confidence_bps = answer.confidence_bps;
  price.grade = answer.is_stale || as_of - price.event_time > options_.stale_after ? Grade::kC
                : answer.is_quorum                                                 ? Grade::kA
                                                                                   : Grade::kB;
  price.unknown_reason = "oracles tell USD only";
  return price;
}

}  // namespace tokenwatch::pricing

// From what the fold knows to a price as it is answered: derived numbers, USD through the reference of the trade's own
// event time, how far it may be trusted, and why something is missing.
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "chain/address.h"
#include "pricing/decimals.h"
#include "pricing/fold/hot_set.h"
#include "pricing/fold/series.h"
#include "pricing/oracle/oracle.h"
#include "pricing/price.h"
#include "pricing/reference.h"

namespace tokenwatch::pricing {

// What a price from the log is made of: copied out of a series while its shard is locked, worked on after that.
struct PriceInputs {
  SeriesKey key;
  PricePoint point;
  // Quote units of a trade on the venue of `point`, on average; 0 when not known.
  double mean_trade_quote = 0;
  // Of the token, where a venue it has traded on fixes them.
  std::optional<int> fixed_decimals;
};
// nullopt when no trade of the series was a price.
std::optional<PriceInputs> InputsOf(const Series& series);
std::optional<int> FixedDecimals(const Series& series);

// Thread-safe; never blocks. What it refers to outlives it.
class PriceView {
 public:
  struct Options {
    // Prices older than this are stale.
    absl::Duration stale_after = absl::Minutes(5);
    // References older than this do not price.
    absl::Duration reference_max_age = absl::Minutes(30);
  };

  // Spares looking the same reference up for each of many prices. For one thread, and for no longer than a call takes:
  // what is learnt meanwhile is not noticed.
  class Memo {
    friend class PriceView;
    chain::TokenRef asset_;
    ReferenceBook::Span span_;
    double usd_ = 0;
  };

  PriceView(const Options& options, const HotSet& hot, const ReferenceBook& references, DecimalsBook& decimals)
      : options_(options), hot_(hot), references_(references), decimals_(decimals) {}

  // The price of a token in memory, against `quote` or, when that is empty, of its newest trade; as of `now`.
  std::optional<Price> Find(const chain::TokenRef& token, const chain::Address& quote, absl::Time now) const;
  // `as_of` decides staleness only.
  Price Make(const PriceInputs& inputs, absl::Time as_of) const {
    Memo memo;
    return Make(inputs, as_of, memo);
  }
  Price Make(const PriceInputs& inputs, absl::Time as_of, Memo& memo) const;
  // nullopt when the oracle has no price. USD only.
  std::optional<Price> Make(const chain::TokenRef& token, const OracleAnswer& answer, absl::Time as_of) const;

  // `fixed` when that is known, else what the lists say of the token.
  std::optional<int> DecimalsOf(const chain::TokenRef& token, std::optional<int> fixed = std::nullopt) const;

  const Options& options() const { return options_; }
  DecimalsBook& decimals() const { return decimals_; }

 private:
  const Options options_;
  const HotSet& hot_;
  const ReferenceBook& references_;
  DecimalsBook& decimals_;
};

}  // namespace tokenwatch::pricing

// Prices as of an event time that has passed: what a reader at that moment could have known, and nothing that came
// later.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "chain/address.h"
#include "pricing/detector.h"
#include "pricing/price_view.h"
#include "pricing/reads/minutes.h"
#include "pricing/reads/series_reader.h"

namespace tokenwatch::pricing {

// Thread-safe; calls block.
class History {
 public:
  struct Options {
    // Trades of one minute that are read to answer.
    size_t max_trades = 100'000;
  };

  History(const Options& options, const MinuteReader& minutes, const SeriesReader& series, Detector& detector)
      : options_(options), minutes_(minutes), series_(series), detector_(detector) {}

  // The newest price by Moment of a trade with event time at or before `at`, among the series of the token or the one
  // against `quote`; nullopt when there is none. Exact, or an error: OUT_OF_RANGE when `at` lies inside a minute whose
  // trades the log no longer keeps. A price whose trade is gone has no venue and no transaction.
  absl::StatusOr<std::optional<PriceInputs>> FindAt(const chain::TokenRef& token, const chain::Address& quote,
                                                    absl::Time at, absl::Time deadline) const;

 private:
  absl::StatusOr<std::optional<PricePoint>> FindInSeries(const Series& series, absl::Time at,
                                                         absl::Time deadline) const;
  absl::StatusOr<std::optional<PricePoint>> FindInside(const SeriesKey& key, const Candle& minute, absl::Time at,
                                                       absl::Time deadline) const;
  absl::StatusOr<std::optional<PricePoint>> CloseOf(const SeriesKey& key, const Candle& minute,
                                                    absl::Time deadline) const;

  const Options options_;
  const MinuteReader& minutes_;
  const SeriesReader& series_;
  Detector& detector_;
};

}  // namespace tokenwatch::pricing

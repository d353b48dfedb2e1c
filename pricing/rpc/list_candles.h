// ListCandles: which series and which span of time is meant, and its candles as a page.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "pricing/price_view.h"
#include "pricing/reads/candle_reader.h"
#include "pricing/reads/series_reader.h"
#include "tokenwatch/pricing/v1/pricing.pb.h"

namespace tokenwatch::pricing {

// Blocks. `newest_event` of the log decides which candle is still open. INVALID_ARGUMENT names the field; NOT_FOUND
// when the token never traded (against the quote asset named).
absl::Status ListCandles(const v1::ListCandlesRequest& request, const SeriesReader& series, const CandleReader& candles,
                         const PriceView& view, absl::Time newest_event, absl::Time deadline,
                         v1::ListCandlesResponse* response);

}  // namespace tokenwatch::pricing

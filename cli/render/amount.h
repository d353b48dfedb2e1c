// Amounts in whole units, exact: digits are moved, nothing is rounded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tokenwatch::cli {

// An asset that pools are quoted in.
struct QuoteAsset {
  std::string symbol;
  uint32_t decimals = 0;
};

// The quote asset at `address` of `chain`, for the few whose decimals everybody knows.
std::optional<QuoteAsset> KnownQuoteAsset(absl::string_view chain, absl::string_view address);

// `base_units` (an unsigned decimal string) in whole units: "1234567" with 6 decimals is "1.234567", with none known
// "1234567 units". An empty amount stays empty; what is not an amount is given back as it came.
std::string FormatAmount(absl::string_view base_units, std::optional<uint32_t> decimals);

}  // namespace tokenwatch::cli

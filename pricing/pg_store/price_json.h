// The price that answered a request, as JSON and back.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "pricing/price.h"

namespace tokenwatch::pricing {

// Doubles are texts of 17 digits and times are microseconds, so that nothing is rounded on the way.
std::string PriceJson(const Price& price);
// DATA_LOSS for text that PriceJson does not make.
absl::StatusOr<Price> ParsePriceJson(absl::string_view text);

}  // namespace tokenwatch::pricing

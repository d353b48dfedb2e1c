// Decimal number texts (as JSON writes them) to integers in base units, without passing through a double.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace tokenwatch::chain {

// round(value * 10^decimals), ties to even, of a JSON number such as "30", "0.049506909" or "9.98e-7".
// nullopt for anything that is not a JSON number, for negative values (but "-0" is 0), and when the result needs more
// than 64 bits. Cost is linear in the text; digits beyond those that matter only take part in the rounding.
std::optional<uint64_t> ScaleDecimal(absl::string_view number, int decimals);

}  // namespace tokenwatch::chain

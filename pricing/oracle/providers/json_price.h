// Prices as JSON spells them. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "simdjson.h"

namespace tokenwatch::pricing {

inline absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// Shortest decimal text of a positive number, without an exponent.
std::string PlainDecimal(double value);

// What stands where a price should be.
struct PriceField {
  enum class Kind {
    kPrice,
    kAbsent,  // no such field, null, an empty text, or zero
    kWrong,   // anything else that is no positive finite number
  } kind = Kind::kAbsent;
  // Set for kPrice; see Observation::usd.
  std::string text = {};
  double value = 0;
};
// A number, or a text that holds a JSON number.
PriceField ReadPrice(simdjson::simdjson_result<simdjson::dom::element> field);

// A number, or a text that holds one, of at least 0; nullopt for anything else.
std::optional<double> ReadAmount(simdjson::simdjson_result<simdjson::dom::element> field);

// A whole number, or a text that holds one.
std::optional<int64_t> ReadInteger(simdjson::simdjson_result<simdjson::dom::element> field);

// RFC 3339.
std::optional<absl::Time> ReadTime(simdjson::simdjson_result<simdjson::dom::element> field);

// Empty when there is no text.
absl::string_view ReadText(simdjson::simdjson_result<simdjson::dom::element> field);

}  // namespace tokenwatch::pricing

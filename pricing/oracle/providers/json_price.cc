#include "pricing/oracle/providers/json_price.h"

#include <charconv>
#include <cmath>

#include "absl/strings/numbers.h"

namespace tokenwatch::pricing {
namespace {

// GeckoTerminal writes up to about 70 digits.
constexpr size_t kMaxPriceText = 160;
// The smallest double with full precision has 308 zeros after its point.
constexpr size_t kMaxPlainDecimal = 400;

bool IsJsonNumber(absl::string_view text) {
  if (text.empty() || text.size() > kMaxPriceText) return false;
  for (const char c : text) {
    if ((c < '0' || c > '9') && c != '.' && c != 'e' && c != 'E' && c != '+' && c != '-') return false;
  }
  return (text[0] >= '0' && text[0] <= '9') || text[0] == '-';
}

std::optional<double> Parse(absl::string_view text) {
  double value = 0;
  if (!IsJsonNumber(text)) return std::nullopt;
  const std::from_chars_result result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string PlainDecimal(double value) {
  char text[kMaxPlainDecimal];
  const std::to_chars_result result = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed);
  return result.ec == std::errc() ? std::string(text, result.ptr) : "";
}

PriceField ReadPrice(simdjson::simdjson_result<simdjson::dom::element> field) {
  using Kind = PriceField::Kind;
  simdjson::dom::element element;
  if (field.get(element) != simdjson::SUCCESS || element.is_null()) return {Kind::kAbsent};
  PriceField price;
  if (element.is_string()) {
    const absl::string_view text = View(element.get_string().value());
    if (text.empty()) return {Kind::kAbsent};
    const std::optional<double> value = Parse(text);
    if (!value.has_value()) return {Kind::kWrong};
    price = {Kind::kPrice, std::string(text), *value};
  } else if (element.is_number()) {
    // Whole numbers beyond a double's precision are rounded; no price has so many digits.
    const double value = element.get_double().value();
    price = {Kind::kPrice, PlainDecimal(value), value};
  } else {
    return {Kind::kWrong};
  }
  if (price.value == 0) return {Kind::kAbsent};
  if (!std::isnormal(price.value) || price.value < 0 || price.text.empty()) return {Kind::kWrong};
  return price;
}

std::optional<double> ReadAmount(simdjson::simdjson_result<simdjson::dom::element> field) {
  simdjson::dom::element element;
  if (field.get(element) != simdjson::SUCCESS) return std::nullopt;
  std::optional<double> value;
  if (element.is_number()) {
    value = element.get_double().value();
  } else if (element.is_string()) {
    value = Parse(View(element.get_string().value()));
  }
  if (!value.has_value() || !std::isfinite(*value) || *value < 0) return std::nullopt;
  return value;
}

std::optional<int64_t> ReadInteger(simdjson::simdjson_result<simdjson::dom::element> field) {
  simdjson::dom::element element;
  if (field.get(element) != simdjson::SUCCESS) return std::nullopt;
  int64_t value = 0;
  if (element.is_string()) {
    return absl::SimpleAtoi(View(element.get_string().value()), &value) ? std::optional<int64_t>(value) : std::nullopt;
  }
  return element.get(value) == simdjson::SUCCESS ? std::optional<int64_t>(value) : std::nullopt;
}

std::optional<absl::Time> ReadTime(simdjson::simdjson_result<simdjson::dom::element> field) {
  absl::Time time;
  const absl::string_view text = ReadText(field);
  if (text.empty() || !absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) return std::nullopt;
  return time;
}

absl::string_view ReadText(simdjson::simdjson_result<simdjson::dom::element> field) {
  std::string_view text;
  return field.get(text) == simdjson::SUCCESS ? View(text) : absl::string_view();
}

}  // namespace tokenwatch::pricing

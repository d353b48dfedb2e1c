#include "pricing/decimal_text.h"

#include <charconv>
#include <cmath>

namespace tokenwatch::pricing {

std::string DecimalText(double value) {
  if (!std::isfinite(value)) return "";
  // The longest: 309 digits before the point, or 17 after 324 zeros, with a sign.
  char text[400];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed);
  return end.ec == std::errc() ? std::string(text, end.ptr) : "";
}

}  // namespace tokenwatch::pricing

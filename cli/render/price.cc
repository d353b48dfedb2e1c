#include "cli/render/price.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tokenwatch::cli {
namespace {

constexpr int kDigits = 6;

}  // namespace

std::string FormatPrice(double price) {
  if (!std::isfinite(price)) return "?";
  if (price == 0) return "0";
  const int magnitude = static_cast<int>(std::floor(std::log10(std::abs(price))));
  std::string text = absl::StrFormat("%.*f", std::max(0, kDigits - 1 - magnitude), price);
  if (text.find('.') == std::string::npos) return text;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string FormatCount(int64_t count) {
  const std::string digits = absl::StrCat(count);
  const size_t sign = count < 0 ? 1 : 0;
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > sign && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

}  // namespace tokenwatch::cli

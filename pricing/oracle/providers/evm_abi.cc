#include "pricing/oracle/providers/evm_abi.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace tokenwatch::pricing::evm {
namespace {

constexpr size_t kWordDigits = 64;
constexpr unsigned kAddressBits = 160;
constexpr unsigned kAddressDigits = 40;
// sqrtPriceX96 has 96 binary places, its square twice as many.
constexpr unsigned kSquarePlaces = 192;

}  // namespace

std::string CallData(absl::string_view selector, const std::vector<std::string>& words) {
  return absl::StrCat("0x", selector, absl::StrJoin(words, ""));
}

std::string Argument(const chain::Address& address) {
  return absl::StrCat(std::string(kWordDigits - kAddressDigits, '0'), absl::StripPrefix(address.text(), "0x"));
}

std::string Argument(uint64_t number) { return absl::StrFormat("%064x", number); }

std::optional<std::vector<WideInteger>> ReadWords(absl::string_view hex) {
  if (!absl::ConsumePrefix(&hex, "0x") || hex.size() % kWordDigits != 0) return std::nullopt;
  if (!std::all_of(hex.begin(), hex.end(),
                   [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); })) {
    return std::nullopt;
  }
  std::vector<WideInteger> words;
  for (; !hex.empty(); hex.remove_prefix(kWordDigits)) {
    words.emplace_back(absl::StrCat("0x", hex.substr(0, kWordDigits)));
  }
  return words;
}

std::optional<chain::Address> ReadAddress(const WideInteger& word) {
  if (word == 0 || msb(word) >= kAddressBits) return std::nullopt;
  std::string digits = word.str(0, std::ios_base::hex);
  digits.insert(0, kAddressDigits - digits.size(), '0');
  return chain::Address::ParseEvm(absl::StrCat("0x", digits));
}

UnitRatio OfReserves(const WideInteger& reserve0, const WideInteger& reserve1, bool token_is_token0) {
  if (token_is_token0) return {reserve1, reserve0};
  return {reserve0, reserve1};
}

UnitRatio OfSqrtPrice(const WideInteger& sqrt_price_x96, bool token_is_token0) {
  const WideInteger token1 = sqrt_price_x96 * sqrt_price_x96;
  const WideInteger token0 = WideInteger(1) << kSquarePlaces;
  if (token_is_token0) return {token1, token0};
  return {token0, token1};
}

}  // namespace tokenwatch::pricing::evm

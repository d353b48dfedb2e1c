#include "cli/render/amount.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tokenwatch::cli {
namespace {

// ERC-20's decimals() is a uint8; Solana mints use the same width.
constexpr uint32_t kMaxDecimals = 255;

struct KnownAsset {
  absl::string_view chain;
  absl::string_view address;
  absl::string_view symbol;
  uint32_t decimals;
};

constexpr KnownAsset kKnownAssets[] = {
    {"solana", "So11111111111111111111111111111111111111112", "SOL", 9},
    // Events of pump.fun name native SOL by the all-zero key.
    {"solana", "11111111111111111111111111111111", "SOL", 9},
    {"solana", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", "USDC", 6},
    {"solana", "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB", "USDT", 6},
    {"solana", "USD1ttGY1N17NEEHLmELoaybftRBUSErhqYiQzvEmuB", "USD1", 6},
    {"ethereum", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", "WETH", 18},
    {"ethereum", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", "USDC", 6},
    {"ethereum", "0xdac17f958d2ee523a2206206994597c13d831ec7", "USDT", 6},
    {"base", "0x4200000000000000000000000000000000000006", "WETH", 18},
    {"bsc", "0xbb4cdb9cbd36b01bd1cbaebf2de08d9173bc095c", "WBNB", 18},
};

}  // namespace

std::optional<QuoteAsset> KnownQuoteAsset(absl::string_view chain, absl::string_view address) {
  for (const KnownAsset& asset : kKnownAssets) {
    if (asset.chain == chain && asset.address == address) {
      return QuoteAsset{std::string(asset.symbol.data(), asset.symbol.size()), asset.decimals};
    }
  }
  return std::nullopt;
}

std::string FormatAmount(absl::string_view base_units, std::optional<uint32_t> decimals) {
  if (!std::all_of(base_units.begin(), base_units.end(), absl::ascii_isdigit) || base_units.empty()) {
    return std::string(base_units.data(), base_units.size());
  }
  if (!decimals.has_value() || *decimals > kMaxDecimals) return absl::StrCat(base_units, " units");
  std::string digits(base_units.data(), base_units.size());
  if (digits.size() <= *decimals) digits.insert(0, *decimals + 1 - digits.size(), '0');
  std::string whole = digits.substr(0, digits.size() - *decimals);
  std::string fraction = digits.substr(whole.size());
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size() - 1));
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  return fraction.empty() ? whole : absl::StrCat(whole, ".", fraction);
}

}  // namespace tokenwatch::cli

// The few calls of Uniswap V2 and V3 that tell a price, and how their results are read.
//
// Selectors: keccak-256 of the signatures, first four bytes. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "chain/address.h"
#include "pricing/oracle/providers/pool_price.h"

namespace tokenwatch::pricing::evm {

inline constexpr char kDecimals[] = "313ce567";
inline constexpr char kBalanceOf[] = "70a08231";    // (address)
inline constexpr char kGetPair[] = "e6a43905";      // (address, address)
inline constexpr char kGetPool[] = "1698ee82";      // (address, address, uint24)
inline constexpr char kGetReserves[] = "0902f1ac";  // -> (uint112, uint112, uint32)
inline constexpr char kSlot0[] = "3850c7bd";        // -> (uint160 sqrtPriceX96, ...)

// "0x", the selector and the arguments as 32-byte words.
std::string CallData(absl::string_view selector, const std::vector<std::string>& words = {});
// The word of an address or a number, in hex.
std::string Argument(const chain::Address& address);
std::string Argument(uint64_t number);

// The words of a result; nullopt when it is no hex of whole words.
std::optional<std::vector<WideInteger>> ReadWords(absl::string_view hex);
// nullopt for the zero address, and for a word that is none.
std::optional<chain::Address> ReadAddress(const WideInteger& word);

// Of two tokens the one with the lower address is token0. With reserves (V2) or the square root of the price (V3) as
// the pool tells them, the ratio of quote units to token units.
struct UnitRatio {
  WideInteger quote_units;
  WideInteger token_units;
};
UnitRatio OfReserves(const WideInteger& reserve0, const WideInteger& reserve1, bool token_is_token0);
UnitRatio OfSqrtPrice(const WideInteger& sqrt_price_x96, bool token_is_token0);

}  // namespace tokenwatch::pricing::evm

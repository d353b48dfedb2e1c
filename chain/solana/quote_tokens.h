// Well-known tokens that others are priced in. A create that names one of these as its mint launches something quoted
// in it, not the token itself.
#pragma once

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "chain/address.h"

namespace tokenwatch::chain {

struct QuoteToken {
  absl::string_view address;
  absl::string_view symbol;
  int decimals;
};

// From the Solana, Jupiter (2024-11) and Uniswap default token lists.
inline constexpr QuoteToken kQuoteTokens[] = {
    {"So11111111111111111111111111111111111111112", "SOL", 9},
    {"EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", "USDC", 6},
    {"Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB", "USDT", 6},
    {"2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo", "PYUSD", 6},
    {"USD1ttGY1N17NEEHLmELoaybftRBUSErhqYiQzvEmuB", "USD1", 6},
    {"USDSwr9ApdHk5bvJKMjzff41FfuX8bSxdKcR81vTwcA", "USDS", 6},
    {"2u1tszSeqZ3qBWF3uNGPFc8TzMk2tdiwknnRMWGWjGWH", "USDG", 6},
    {"HzwqbKZw8HxMN6bF2yFZNrht3c2iXXzpKcFu7uBEDKtr", "EURC", 6},
    {"mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So", "mSOL", 9},
};

// The entry of a Solana address; nullptr when it is none of the list. Any thread.
inline const QuoteToken* FindQuoteToken(const Address& address) {
  for (const QuoteToken& token : kQuoteTokens) {
    if (address.text() == token.address) return &token;
  }
  return nullptr;
}

inline bool IsQuoteToken(const Address& address) { return FindQuoteToken(address) != nullptr; }

}  // namespace tokenwatch::chain

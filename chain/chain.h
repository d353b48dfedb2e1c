// The chains this platform knows, by the names of its API: solana, ethereum, base, bsc.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace tokenwatch::chain {

// The numeric values are stable: they may be stored.
enum class Chain : uint8_t { kUnknown = 0, kSolana = 1, kEthereum = 2, kBase = 3, kBsc = 4 };

// "solana", "ethereum", "base", "bsc"; "unknown" for everything else.
constexpr absl::string_view ChainName(Chain chain) {
  switch (chain) {
    case Chain::kSolana:
      return "solana";
    case Chain::kEthereum:
      return "ethereum";
    case Chain::kBase:
      return "base";
    case Chain::kBsc:
      return "bsc";
    case Chain::kUnknown:
      break;
  }
  return "unknown";
}

// The chain of exactly that name (lower case); kUnknown for any other text.
constexpr Chain ParseChain(absl::string_view name) {
  for (Chain chain : {Chain::kSolana, Chain::kEthereum, Chain::kBase, Chain::kBsc}) {
    if (name == ChainName(chain)) return chain;
  }
  return Chain::kUnknown;
}

// Whether addresses of the chain are 20 bytes in 0x hex.
constexpr bool IsEvm(Chain chain) { return chain == Chain::kEthereum || chain == Chain::kBase || chain == Chain::kBsc; }

}  // namespace tokenwatch::chain

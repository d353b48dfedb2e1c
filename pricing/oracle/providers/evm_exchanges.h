// Where tokens of EVM chains are traded: factories of the Uniswap V2 and V3 kinds, and the assets to look for a pool
// against. Values; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "chain/address.h"

namespace tokenwatch::pricing::evm {

enum class PoolKind : uint8_t { kV2 = 1, kV3 };

struct Factory {
  PoolKind kind = PoolKind::kV2;
  chain::Address address;
  // Lower-case word.
  absl::string_view venue;
  // Of V3, in hundredths of a basis point.
  std::vector<uint64_t> fees;
};

struct QuoteAsset {
  chain::Address address;
  int decimals = 0;
};

struct Exchanges {
  std::vector<Factory> factories;
  std::vector<QuoteAsset> quotes;
};

// Of Ethereum, Base and BSC; empty for others.
const Exchanges& ExchangesOf(chain::Chain chain);

}  // namespace tokenwatch::pricing::evm

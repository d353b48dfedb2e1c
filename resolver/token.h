// How the resolver names tokens: as the chain library does, and "solana:<address>" where people read it.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "chain/address.h"
#include "chain/chain.h"

namespace tokenwatch::resolver {

using chain::TokenRef;

inline std::string ToText(const TokenRef& token) {
  return absl::StrCat(chain::ChainName(token.chain), ":", token.address.text());
}

}  // namespace tokenwatch::resolver

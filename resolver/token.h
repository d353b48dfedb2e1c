// Names a token inside the resolver: a value without heap, hashable and ordered.
#pragma once

#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "chain/address.h"
#include "chain/chain.h"

namespace tokenwatch::resolver {

struct TokenKey {
  chain::Chain chain = chain::Chain::kUnknown;
  chain::Address address;

  // "solana:<address>", as people write tokens.
  std::string ToString() const { return absl::StrCat(chain::ChainName(chain), ":", address.text()); }

  friend bool operator==(const TokenKey& a, const TokenKey& b) { return a.chain == b.chain && a.address == b.address; }
  friend bool operator!=(const TokenKey& a, const TokenKey& b) { return !(a == b); }
  friend bool operator<(const TokenKey& a, const TokenKey& b) {
    if (a.chain != b.chain) return chain::ChainName(a.chain) < chain::ChainName(b.chain);
    return a.address < b.address;
  }
  template <typename H>
  friend H AbslHashValue(H state, const TokenKey& key) {
    return H::combine(std::move(state), key.chain, key.address);
  }
};

}  // namespace tokenwatch::resolver

#include "chain/solana/pubkey.h"

#include <cstdio>
#include <cstdlib>

#include "chain/base58.h"

namespace tokenwatch::chain {

std::optional<Pubkey> ParsePubkey(absl::string_view text) {
  Pubkey key;
  if (!DecodeBase58(text, key.bytes)) return std::nullopt;
  return key;
}

Pubkey PubkeyFromConstant(absl::string_view text) {
  const std::optional<Pubkey> key = ParsePubkey(text);
  if (!key) {
    std::fprintf(stderr, "chain: the constant \"%.*s\" is not base58 of 32 bytes\n", static_cast<int>(text.size()),
                 text.data());
    std::abort();
  }
  return *key;
}

}  // namespace tokenwatch::chain

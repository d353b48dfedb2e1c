#include "pricing/fold/fingerprint.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include <sodium/crypto_shorthash.h>

#include "absl/strings/string_view.h"
#include "chain/chain.h"

namespace tokenwatch::pricing {
namespace {

// Fixed, because fingerprints are stored.
constexpr unsigned char kKey[crypto_shorthash_siphashx24_KEYBYTES + 1] = "tokenwatch.serie";
// The longest name of a chain and both addresses, each with a zero after it.
constexpr size_t kMaxTextBytes = 16 + 2 * (chain::Address::kMaxSize + 1);

}  // namespace

Fingerprint FingerprintOf(const SeriesKey& key) {
  std::array<unsigned char, kMaxTextBytes> text{};
  size_t size = 0;
  for (absl::string_view part : {chain::ChainName(key.token.chain), key.token.address.text(), key.quote.text()}) {
    for (char c : part) text[size++] = static_cast<unsigned char>(c);
    text[size++] = 0;
  }
  std::array<unsigned char, crypto_shorthash_siphashx24_BYTES> hash{};
  crypto_shorthash_siphashx24(hash.data(), text.data(), size, kKey);
  // Most significant byte first, the same on every machine.
  uint64_t halves[2] = {};
  for (size_t i = 0; i < hash.size(); ++i) halves[i / 8] = halves[i / 8] << 8 | hash[i];
  return absl::MakeUint128(halves[0], halves[1]);
}

}  // namespace tokenwatch::pricing

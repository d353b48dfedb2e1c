// A Solana public key as its 32 bytes: what event and account decoders hand out, because most keys of an event are
// never shown and base58 costs more than decoding the rest of the event.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/string_view.h"
#include "chain/address.h"

namespace tokenwatch::chain {

// Plain value; any thread.
struct Pubkey {
  std::array<uint8_t, 32> bytes{};

  Address ToAddress() const { return Address::FromSolanaBytes(bytes); }
  bool IsZero() const { return bytes == std::array<uint8_t, 32>{}; }

  friend auto operator<=>(const Pubkey&, const Pubkey&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const Pubkey& key) {
    return H::combine_contiguous(std::move(state), key.bytes.data(), key.bytes.size());
  }
};

// nullopt unless `text` is canonical base58 of 32 bytes.
std::optional<Pubkey> ParsePubkey(absl::string_view text);

// For constants in the source: a text that is wrong ends the process at start, where every test sees it.
Pubkey PubkeyFromConstant(absl::string_view text);

}  // namespace tokenwatch::chain

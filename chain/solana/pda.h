// Program-derived addresses: sha256(seeds, bump, program, "ProgramDerivedAddress"), bump from 255 down, first result
// that is no point of edwards25519. Pure functions of about 10 microseconds; any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "chain/solana/pubkey.h"

namespace tokenwatch::chain {

struct ProgramAddress {
  Pubkey address;
  uint8_t bump = 0;
};

// A seed made of a key's bytes.
inline absl::string_view SeedOf(const Pubkey& key) {
  return absl::string_view(reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size());
}

// Seeds are raw bytes: at most 15 (the bump is the sixteenth) of at most 32 bytes each. nullopt beyond those limits, or
// when no bump gives an address (about 1 in 2^256).
std::optional<ProgramAddress> FindProgramAddress(absl::Span<const absl::string_view> seeds, const Pubkey& program);

// The pump.fun bonding curve of a mint: ["bonding-curve", mint] under the pump program.
Pubkey BondingCurveAddress(const Pubkey& mint);

// The Metaplex metadata account of a mint: ["metadata", metaplex program, mint] under the Metaplex program.
Pubkey MetadataAddress(const Pubkey& mint);

}  // namespace tokenwatch::chain

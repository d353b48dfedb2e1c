// Accounts of the pump.fun program. Layout: pump-fun/pump-public-docs, idl/pump.json.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "chain/solana/pubkey.h"
#include "chain/solana/pumpfun_curve.h"

namespace tokenwatch::chain {

// A BondingCurve account. It has grown over time (49 to 256 bytes seen, zero-padded), so every later field is absent
// when the data ends before it.
struct BondingCurveAccount {
  CurveReserves reserves;
  uint64_t token_total_supply = 0;
  // Migrated or about to be: all reserves are then zero sooner or later, so mind divisions.
  bool complete = false;
  std::optional<Pubkey> creator;
  std::optional<bool> is_mayhem_mode;
  std::optional<bool> is_cashback_enabled;
  std::optional<Pubkey> quote_mint;  // zeros = SOL
  std::optional<uint64_t> creator_fee_basis_points;
};

// INVALID_ARGUMENT for a wrong discriminator or fewer than the first 49 bytes. Pure; any thread.
absl::StatusOr<BondingCurveAccount> DecodeBondingCurve(absl::Span<const uint8_t> data);

}  // namespace tokenwatch::chain

// What has held on every recorded trade of a pump.fun curve, checked at run time: a trade that breaks one of these was
// decoded wrongly, or the program has changed.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "chain/solana/pumpfun_events.h"

namespace tokenwatch::chain {

enum class TradeInvariant : uint8_t {
  kFee = 0,           // fee = ceil(sol x fee_basis_points / 10^4), on curves quoted in SOL
  kCreatorFee = 1,    // creator_fee likewise
  kBuybackFee = 2,    // buyback_fee = floor(fee x buyback_fee_basis_points / 10^4)
  kSolReserves = 3,   // virtual_sol - real_sol = 30 SOL, on curves quoted in SOL that are not mayhem curves
  kTokenReserves = 4  // virtual_token - real_token = 279.9e12, on curves quoted in SOL
};
inline constexpr int kTradeInvariantCount = 5;

// Bit 1 << invariant is set for each that broke; 0 = all that could be checked held. Invariants about groups of fields
// the event does not carry are not checked; without the mayhem flag the SOL reserves are not. Pure; any thread.
uint32_t CheckInvariants(const TradeEvent& trade);

// "fee", "creator_fee", "buyback_fee", "sol_reserves", "token_reserves": for metrics and messages.
absl::string_view TradeInvariantName(TradeInvariant invariant);

}  // namespace tokenwatch::chain

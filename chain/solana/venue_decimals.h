// What the launch venue of a token fixes about its mint.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"

namespace tokenwatch::chain {

// Decimal places of every token launched on the venue; nullopt where tokens choose their own.
//
// pump.fun: the program makes each mint itself, with 6: its Global account (pump-fun/pump-public-docs, idl/pump.json)
// fixes the supply of all of them to 10^15 base units, and the recorded creates call that 10^9 tokens. The AMM
// "pump-amm" takes pools of any mint, so it fixes nothing.
inline std::optional<int> DecimalsOfVenue(absl::string_view venue) {
  if (venue == "pump") return 6;
  return std::nullopt;
}

}  // namespace tokenwatch::chain

// Writes what a simulation knows as one JSON document, for tests in other languages and for people.
#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "tests/sim/simulator.h"

namespace tokenwatch::sim {

// Members: "totals", "solana", "pumpportal", "any_feed", "agent", "tokens" (in launch order) and, when asked for,
// "wallets" (those that traded). Amounts beyond 2^53 can occur, so all lamports and token amounts are decimal strings.
// `write` gets the text piece by piece, in order.
void WriteTruthJson(const Simulator& simulator, bool with_wallets,
                    absl::FunctionRef<void(absl::string_view piece)> write);

}  // namespace tokenwatch::sim

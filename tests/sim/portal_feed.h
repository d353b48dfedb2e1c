// Writes the frames PumpPortal would send for the market's transactions, and the odd ones it sends beside them.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/sim/market.h"
#include "tests/sim/random.h"

namespace tokenwatch::sim {

enum class OddPortalFrame : uint8_t {
  kUnknownType,  // a txType nobody knows
  kUnknownPool,  // a create on a pool nobody knows
  kMalformed,    // cut in the middle
  kBonkCreate,   // a launch on LaunchLab
};

// "unknown_type", "unknown_pool", "malformed", "bonk_create".
absl::string_view OddPortalFrameText(OddPortalFrame kind);

// Each replaces *raw. Numbers are written as JavaScript would. Pure; any thread.
void WritePortalAck(int index, std::string* raw);  // index 0 and 1
// `initial_buy_tokens` is what the creator bought in the launching transaction, 0 for nothing; `with_texts` off leaves
// name, symbol and uri out; `as_quote_mint` puts the USDC mint in the place of the token's, as has been recorded.
void WritePortalCreate(const Token& token, const chain::Pubkey& creator, absl::string_view signature,
                       uint64_t initial_buy_tokens, bool with_texts, bool as_quote_mint, std::string* raw);
void WritePortalMigration(const Token& token, absl::string_view signature, std::string* raw);
void WritePortalTrade(const Token& token, const Trade& trade, const chain::Pubkey& trader, absl::string_view signature,
                      std::string* raw);
void WriteOddPortalFrame(OddPortalFrame kind, absl::string_view signature, Random& random, std::string* raw);

}  // namespace tokenwatch::sim

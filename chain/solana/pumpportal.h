// Frames of the PumpPortal WebSocket (wss://pumpportal.fun/api/data).
//
// The feed writes tokens and SOL as floating-point UI units; they become exact base units here (6 and 9 decimals) by
// correct rounding of the number's text. It carries no slot, no time and no event index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "chain/address.h"

namespace tokenwatch::chain {

// Longest name, symbol, uri, pool or message text taken; a frame with a longer one is malformed.
inline constexpr size_t kMaxPumpPortalTextBytes = 4096;

enum class PumpPortalPool : uint8_t { kPump, kPumpAmm, kBonk };

// The pool's name in frames: "pump", "pump-amm", "bonk".
absl::string_view PumpPortalPoolName(PumpPortalPool pool);

// {"message": ...} of a subscription that was accepted.
struct PumpPortalAck {
  std::string message;
};

// {"message": ...} or {"errors": ...} that is no such acknowledgement: a refusal.
struct PumpPortalRefusal {
  std::string message;
};

// Identities that held on all 197 recorded creates of the pump pool; a frame that breaks one is damaged or of a program
// that has changed.
enum class CreateIdentity : uint8_t {
  kVirtualSol = 0,     // vSol = 30 + solAmount
  kVirtualTokens = 1,  // vTokens = 1,073,000,000 - initialBuy
  kMarketCap = 2,      // marketCapSol = vSol / vTokens x 10^9
  kProduct = 3,        // vSol x vTokens = 32,190,000,000
};
inline constexpr int kCreateIdentityCount = 4;

// "virtual_sol", "virtual_tokens", "market_cap", "product": for metrics and messages.
absl::string_view CreateIdentityName(CreateIdentity identity);

// A token came to be. Optional numbers are absent when the frame has none (or null).
struct PumpPortalCreate {
  PumpPortalPool pool = PumpPortalPool::kPump;
  TransactionId signature;
  Address mint;
  Address trader;
  // Texts as sent, attacker-chosen, valid UTF-8; absent when the frame lacks them.
  std::optional<std::string> name;
  std::optional<std::string> symbol;
  std::optional<std::string> uri;
  bool is_mayhem_mode = false;
  uint64_t initial_buy_tokens = 0;   // base units, 6 decimals
  uint64_t sol_amount_lamports = 0;  // into the curve, without fees
  // Pool pump: as sent, untrusted. Compare with CurveKeyMatches().
  std::optional<Address> bonding_curve_key;
  std::optional<uint64_t> virtual_token_reserves;
  std::optional<uint64_t> virtual_sol_reserves_lamports;
  // Pool bonk: the pool's token and SOL balance.
  std::optional<uint64_t> pool_tokens;
  std::optional<uint64_t> pool_sol_lamports;
  std::optional<double> market_cap_sol;
  // Bit 1 << CreateIdentity for each that broke; pool pump only.
  uint32_t broken_identities = 0;
};

// Whether `bonding_curve_key` is the address derived from the mint. One derivation, about 10 microseconds. False when
// the frame has no key.
bool CurveKeyMatches(const PumpPortalCreate& create);

// A buy or sell. Not seen without a funded key.
struct PumpPortalTrade {
  PumpPortalPool pool = PumpPortalPool::kPump;
  TransactionId signature;
  Address mint;
  Address trader;
  bool is_buy = false;
  uint64_t token_amount = 0;
  uint64_t sol_amount_lamports = 0;
  std::optional<uint64_t> new_token_balance;
  std::optional<Address> bonding_curve_key;  // untrusted
  std::optional<uint64_t> virtual_token_reserves;
  std::optional<uint64_t> virtual_sol_reserves_lamports;
  std::optional<double> market_cap_sol;
};

// The token's liquidity moved to an AMM pool.
struct PumpPortalMigration {
  PumpPortalPool pool = PumpPortalPool::kPumpAmm;
  TransactionId signature;
  Address mint;
};

// Of a kind or pool that is not known here, or no JSON object at all: keep the frame raw.
struct PumpPortalUnknown {
  std::string reason;
};

// Broken JSON, or a known kind without a field it must have, or with one that cannot be: keep the frame raw.
struct PumpPortalMalformed {
  std::string reason;
};

using PumpPortalFrame = std::variant<PumpPortalUnknown, PumpPortalAck, PumpPortalRefusal, PumpPortalCreate,
                                     PumpPortalTrade, PumpPortalMigration, PumpPortalMalformed>;

// Reusable; one thread at a time. Results own their texts.
class PumpPortalDecoder {
 public:
  explicit PumpPortalDecoder(size_t max_frame_bytes = size_t{1} << 18);
  ~PumpPortalDecoder();
  PumpPortalDecoder(const PumpPortalDecoder&) = delete;
  PumpPortalDecoder& operator=(const PumpPortalDecoder&) = delete;

  // Decodes the text of one frame; larger ones than the limit are malformed.
  PumpPortalFrame Decode(absl::string_view frame);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokenwatch::chain

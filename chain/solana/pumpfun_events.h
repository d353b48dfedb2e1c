// Events of the pump.fun bonding-curve program, decoded from the bytes behind `Program data:`.
//
// Layouts only ever grow at the end, so decoding goes by known prefix: groups added later are optional and absent when
// the data ends exactly before them; bytes beyond the newest known layout are counted, not refused; a cut anywhere else
// is an error. Layouts: pump-fun/pump-public-docs, idl/pump.json.
//
// The caller must have checked that the pump program itself emitted the line (see InvokeStack): other programs use the
// same discriminators for other layouts. Views (names, shareholders) point into the data handed in.
// Pure functions, no allocation; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "chain/solana/pubkey.h"

namespace tokenwatch::chain {

// Longest name, symbol, uri and instruction name taken (the program allows 32, 13 and 200 today).
inline constexpr size_t kMaxEventTextSize = 1024;

// Fields of CreateEvent since version 2.
struct CreateEventReserves {
  Pubkey creator;
  int64_t timestamp_s = 0;  // Unix time
  uint64_t virtual_token_reserves = 0;
  uint64_t virtual_sol_reserves = 0;
  uint64_t real_token_reserves = 0;
  uint64_t token_total_supply = 0;
};

// Fields of CreateEvent since version 3.
struct CreateEventModes {
  Pubkey token_program;
  bool is_mayhem_mode = false;
  bool is_cashback_enabled = false;
  Pubkey quote_mint;  // zeros = SOL
  uint64_t virtual_quote_reserves = 0;
};

// CreateEvent: a mint and its bonding curve came to be.
struct CreateEvent {
  // Attacker-chosen raw bytes. `texts_are_utf8` is false when any of the three is not valid UTF-8.
  absl::string_view name;
  absl::string_view symbol;
  absl::string_view uri;
  bool texts_are_utf8 = true;
  Pubkey mint;
  Pubkey bonding_curve;
  Pubkey user;

  using Reserves = CreateEventReserves;
  std::optional<Reserves> reserves;

  using Modes = CreateEventModes;
  std::optional<Modes> modes;

  size_t unknown_tail_bytes = 0;
};

// Fields of TradeEvent since version 2.
struct TradeEventFees {
  Pubkey fee_recipient;
  uint64_t fee_basis_points = 0;
  uint64_t fee = 0;
  Pubkey creator;
  uint64_t creator_fee_basis_points = 0;
  uint64_t creator_fee = 0;
};

// Fields of TradeEvent since version 3.
struct TradeEventVolume {
  bool track_volume = false;
  uint64_t total_unclaimed_tokens = 0;
  uint64_t total_claimed_tokens = 0;
  uint64_t current_sol_volume = 0;
  int64_t last_update_timestamp_s = 0;
  absl::string_view instruction_name;  // "buy", "sell", "buy_exact_sol_in", ...
};

// Fields of TradeEvent since version 4.
struct TradeEventCashback {
  bool mayhem_mode = false;
  uint64_t cashback_fee_basis_points = 0;
  uint64_t cashback = 0;
};

// Fields of TradeEvent since version 5.
struct TradeEventBuyback {
  uint64_t buyback_fee_basis_points = 0;
  uint64_t buyback_fee = 0;
  absl::Span<const uint8_t> shareholders;  // each 34 bytes: key, then u16 share
  Pubkey quote_mint;                       // zeros = SOL
  uint64_t quote_amount = 0;
  uint64_t virtual_quote_reserves = 0;
  uint64_t real_quote_reserves = 0;
};

// TradeEvent: one buy or sell on a bonding curve. Amounts in base units; reserves are those after the trade.
struct TradeEvent {
  Pubkey mint;
  uint64_t sol_amount = 0;  // lamports into or out of the curve, without fees
  uint64_t token_amount = 0;
  bool is_buy = false;
  Pubkey user;
  int64_t timestamp_s = 0;  // Unix time
  uint64_t virtual_sol_reserves = 0;
  uint64_t virtual_token_reserves = 0;
  uint64_t real_sol_reserves = 0;
  uint64_t real_token_reserves = 0;

  using Fees = TradeEventFees;
  std::optional<Fees> fees;

  using Volume = TradeEventVolume;
  std::optional<Volume> volume;

  using Cashback = TradeEventCashback;
  std::optional<Cashback> cashback;

  using Buyback = TradeEventBuyback;
  std::optional<Buyback> buyback;

  size_t unknown_tail_bytes = 0;
};

// CompleteEvent: the curve sold its last real token and waits for migration.
struct CompleteEvent {
  Pubkey user;
  Pubkey mint;
  Pubkey bonding_curve;
  int64_t timestamp_s = 0;
  std::optional<Pubkey> quote_mint;  // version 2; zeros = SOL
  size_t unknown_tail_bytes = 0;
};

// CompletePumpAmmMigrationEvent: the liquidity moved to a PumpSwap pool.
struct MigrationEvent {
  Pubkey user;
  Pubkey mint;
  uint64_t mint_amount = 0;
  uint64_t sol_amount = 0;
  uint64_t pool_migration_fee = 0;  // lamports
  Pubkey bonding_curve;
  int64_t timestamp_s = 0;
  Pubkey pool;
  std::optional<Pubkey> quote_mint;  // version 2; zeros = SOL
  size_t unknown_tail_bytes = 0;
};

// UpdateMayhemVirtualParamsEvent: the mayhem agent rewrote a curve's virtual reserves.
struct MayhemReservesEvent {
  int64_t timestamp_s = 0;
  Pubkey mint;
  uint64_t virtual_token_reserves = 0;
  uint64_t virtual_sol_reserves = 0;
  uint64_t new_virtual_token_reserves = 0;
  uint64_t new_virtual_sol_reserves = 0;
  uint64_t real_token_reserves = 0;
  uint64_t real_sol_reserves = 0;
  size_t unknown_tail_bytes = 0;
};

// An event of the pump program that is not decoded here (there are some twenty administrative ones), or a new one.
struct UnknownEvent {
  std::array<uint8_t, 8> discriminator{};
};

enum class EventError : uint8_t {
  kNoDiscriminator,  // fewer than 8 bytes
  kCutInGroup,       // the data ends inside a group of fields
  kTextTooLong,      // a text longer than kMaxEventTextSize
  kBadBool,          // a bool byte that is neither 0 nor 1
  kBadEncoding,      // the log line is not base64
};

// A short name for metrics and messages, such as "cut_in_group".
absl::string_view EventErrorName(EventError error);

// The data is not what its discriminator says.
struct BadEvent {
  EventError error = EventError::kNoDiscriminator;
};

using PumpEvent =
    std::variant<UnknownEvent, CreateEvent, TradeEvent, CompleteEvent, MigrationEvent, MayhemReservesEvent, BadEvent>;

// Decodes one event: 8 bytes of discriminator, then the fields.
PumpEvent DecodePumpEvent(absl::Span<const uint8_t> data);

}  // namespace tokenwatch::chain

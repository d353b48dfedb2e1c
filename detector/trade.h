// One entry of the trade log. Plain values without heap, so that batches of them are one allocation.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "chain/address.h"
#include "chain/amount.h"
#include "chain/inline_text.h"

namespace tokenwatch::detector {

// Names of venues and feeds: lower-case words ("pump", "pump-amm", "solana").
using Word = chain::InlineText<23>;

enum class Side : uint8_t { kBuy = 1, kSell = 2 };

// Reserves right after a trade, in base units. The virtual ones are what the venue's price formula uses.
struct Reserves {
  chain::Amount virtual_token;
  chain::Amount virtual_quote;
  chain::Amount real_token;
  chain::Amount real_quote;
};

// Fees in quote units, as the event states them.
struct Fees {
  chain::Amount protocol;
  chain::Amount creator;
};

// A swap of one token against one quote asset.
struct Trade {
  // Position in the log; 0 until the writer has assigned it.
  uint64_t cursor = 0;
  chain::Chain chain = chain::Chain::kUnknown;
  chain::TransactionId transaction;
  // Index of the event within its transaction; nullopt when the feed does not tell.
  std::optional<uint32_t> event_index;
  chain::Address token;
  chain::Address trader;
  Side side = Side::kBuy;
  Word venue;
  chain::Address quote;
  chain::Amount token_amount;
  // Net into or out of the pool, before fees.
  chain::Amount quote_amount;
  std::optional<Reserves> reserves;
  std::optional<Fees> fees;
  // Slot or block; 0 when not known.
  uint64_t slot = 0;
  absl::Time event_time;
  // The event time is the feed's clock and not the chain's, so another feed may tell another time for this same trade.
  bool loose_time = false;
  Word feed;
  bool is_mayhem = false;
};

}  // namespace tokenwatch::detector

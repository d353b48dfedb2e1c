// A trade of the detector's log as pricing needs it. Plain values without heap, so that batches are one allocation.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "chain/address.h"
#include "chain/amount.h"
#include "chain/inline_text.h"

namespace tokenwatch::pricing {

// Names of venues, feeds and sources: lower-case words ("pump", "pump-amm", "dexscreener").
using Word = chain::InlineText<23>;

// Reserves right after a trade, in base units, as the venue's price formula uses them.
struct Reserves {
  chain::Amount token;
  chain::Amount quote;

  friend bool operator==(const Reserves&, const Reserves&) = default;
};

struct Trade {
  // Position in the detector's log; consecutive trades have growing cursors, not always consecutive ones.
  uint64_t cursor = 0;
  chain::TokenRef token;
  chain::Address quote;
  chain::Address trader;
  bool is_buy = false;
  bool is_mayhem = false;
  Word venue;
  chain::Amount token_amount;
  // Net into or out of the pool, before fees.
  chain::Amount quote_amount;
  // nullopt when the feed does not tell.
  std::optional<Reserves> reserves;
  // The quote units that are really in the pool; nullopt when the feed does not tell.
  std::optional<chain::Amount> pool_quote;
  absl::Time event_time;
  chain::TransactionId transaction;
};

// What orders trades for everything that asks "which was first": event time, then position in the log. The log itself
// is in order of arrival, so event time may step back a little in it, and by much for a frame that was decoded again.
struct Moment {
  absl::Time event_time = absl::InfinitePast();
  uint64_t cursor = 0;

  friend bool operator==(const Moment& a, const Moment& b) = default;
  friend bool operator<(const Moment& a, const Moment& b) {
    return a.event_time != b.event_time ? a.event_time < b.event_time : a.cursor < b.cursor;
  }
};
inline Moment MomentOf(const Trade& trade) { return {trade.event_time, trade.cursor}; }

}  // namespace tokenwatch::pricing

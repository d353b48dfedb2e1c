// Writes pump.fun events as the program would: the inverse of chain/solana/pumpfun_events.h, written from the layouts
// and not from that decoder, so that each tests the other. Groups a struct does not have are left out, which gives the
// older layouts.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "chain/solana/pumpfun_events.h"

namespace tokenwatch::sim {

// Each replaces *out by discriminator and fields. `unknown_tail_bytes` is ignored. A group behind an absent one is left
// out too. Any thread.
void EncodeEvent(const chain::CreateEvent& event, std::string* out);
void EncodeEvent(const chain::TradeEvent& event, std::string* out);
void EncodeEvent(const chain::CompleteEvent& event, std::string* out);
void EncodeEvent(const chain::MigrationEvent& event, std::string* out);
void EncodeEvent(const chain::MayhemReservesEvent& event, std::string* out);

// Appends the base64 text (standard alphabet, padded) of `bytes`.
void AppendBase64(absl::string_view bytes, std::string* out);

}  // namespace tokenwatch::sim

// TailTradesResponse written straight into its wire form.
//
// A batch of generated Trade messages costs a dozen strings each, and a tail would be bound by that: the fields here
// go from the stored row, or the trade in memory, straight to the wire. What it writes is what ToProto would serialise
// to; a test holds the two together. Format: https://protobuf.dev/programming-guides/encoding/
#pragma once

#include <cstdint>
#include <string>

#include "detector/trade_fields.h"

namespace tokenwatch::detector {

// Appends one element of the field `trades`.
void AppendTradeField(const TradeFields& trade, std::string& out);
// Appends the field `cursor`.
void AppendCursorField(uint64_t cursor, std::string& out);

}  // namespace tokenwatch::detector

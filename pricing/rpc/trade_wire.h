// Trades read straight from the wire form of the detector's TailTradesResponse.
//
// Generated Trade messages cost two dozen strings each, and folding a log of millions would be bound by that: the
// fields here go from the wire straight into plain values. What it reads is what the generated code reads; a test holds
// the two together. Format: https://protobuf.dev/programming-guides/encoding/
#pragma once

#include "absl/strings/string_view.h"
#include "pricing/detector.h"

namespace tokenwatch::pricing {

// Appends the trades of a message to `batch` and sets its cursor. A trade that this build cannot make sense of (a chain
// it does not know, an amount that is none) is counted in batch.unreadable instead. False when the bytes are no message
// of protobuf's; what came before the fault has been added then. Any bytes are safe.
bool ReadTradesMessage(absl::string_view bytes, TradeBatch* batch);

}  // namespace tokenwatch::pricing

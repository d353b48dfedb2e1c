// The entry points of the fuzz targets: each takes any bytes, decodes them, uses all of the result, and ends the
// process when a promise of the decoder does not hold.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tokenwatch::fuzz {

using FuzzFunction = void (*)(absl::Span<const uint8_t> input);

void FuzzLogsNotification(absl::Span<const uint8_t> input);
void FuzzPumpEvents(absl::Span<const uint8_t> input);
void FuzzPumpPortal(absl::Span<const uint8_t> input);
void FuzzTokenAccounts(absl::Span<const uint8_t> input);  // mints, Metaplex metadata, bonding curves
void FuzzErc20(absl::Span<const uint8_t> input);
void FuzzAddresses(absl::Span<const uint8_t> input);  // base58, base64, addresses, amounts, decimals
void FuzzCandleChunk(absl::Span<const uint8_t> input);

struct FuzzTarget {
  absl::string_view name;
  FuzzFunction run;
};
inline constexpr FuzzTarget kFuzzTargets[] = {
    {"LogsNotification", FuzzLogsNotification}, {"PumpEvents", FuzzPumpEvents}, {"PumpPortal", FuzzPumpPortal},
    {"TokenAccounts", FuzzTokenAccounts},       {"Erc20", FuzzErc20},           {"Addresses", FuzzAddresses},
    {"CandleChunk", FuzzCandleChunk},
};

}  // namespace tokenwatch::fuzz

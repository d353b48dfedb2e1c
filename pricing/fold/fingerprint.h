// Names a series in 16 bytes, for the sets of those that are not in memory. Stable: it is stored.
#pragma once

#include "absl/numeric/int128.h"
#include "pricing/fold/series.h"

namespace tokenwatch::pricing {

// SipHash-2-4-128 of chain, token and quote under a fixed key. Of a million series two share one with a chance of
// 10^-27.
using Fingerprint = absl::uint128;
Fingerprint FingerprintOf(const SeriesKey& key);

}  // namespace tokenwatch::pricing

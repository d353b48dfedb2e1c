// A volume that fades: each trade adds its quote volume in whole quote units, and everything halves each half-life of
// event time. Kept as of the series' newest moment. Doubles, but of the same trades in the same order the same bits.
#pragma once

#include "absl/time/time.h"

namespace tokenwatch::pricing {

inline constexpr absl::Duration kHotHalfLife = absl::Minutes(10);

// The score `from` as of a later time; unchanged for an earlier one.
double DecayTo(double score, absl::Time from, absl::Time to);

}  // namespace tokenwatch::pricing

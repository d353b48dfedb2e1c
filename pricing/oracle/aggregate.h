// One price out of what several sources say, that no single one of them can steer.
//
// Outliers are rejected first: of four and more sources those whose modified z-score, 0.6745 |x - median| / MAD, is
// above 3.5 (Iglewicz and Hoaglin 1993); of three the one that is more than ten times as far from the median as the
// other two are apart, because one gap is too little to estimate a spread from. A floor below the spread keeps sources
// that agree very closely from rejecting an honest fourth.
//
// Then of up to three sources the median of three votes each, p and p -+ a little (the rule of Pyth), and of more the
// median weighted by liquidity, no weight above twice the median weight, so that no source has half of all weight. What
// is left is no price at all when the sources differ too much to say who is right.
//
// Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "pricing/oracle/observation.h"

namespace tokenwatch::pricing {

// Distances in basis points of the median: nothing closer than this is rejected as an outlier.
inline constexpr double kNeverOutlierBps = 49;
// A source farther than this from the answer takes the answer away.
inline constexpr double kMaxSpreadBps = 2'000;
// What makes a quorum price: all used sources within this (of two sources, which have no majority: within the second),
// and at least two more sources used than rejected, so that one that changes sides does not change the majority. One
// source alone, whatever it says, does not move a quorum price by more than 50 basis points to another quorum price.
inline constexpr double kQuorumSpreadBps = 40;
inline constexpr double kQuorumSpreadOfTwoBps = 25;

// Why a price that was found is not used.
inline constexpr char kOutlier[] = "outlier";
inline constexpr char kNotPositive[] = "not_positive";
inline constexpr char kStale[] = "stale";

struct Vote {
  double usd = 0;
  std::optional<double> liquidity_usd;
};

struct Aggregated {
  std::optional<double> usd;
  // Distance from usd to the farthest source that is used; nullopt for a single one.
  std::optional<double> confidence_bps;
  bool is_quorum = false;
  // Of each vote, in their order: empty when it is used, else kOutlier or kNotPositive.
  std::vector<std::string> rejected;
  // Why there is no price; empty when there is one.
  std::string reason;
};

// The price, if at least `min_sources` (at least 1) agree on one.
Aggregated Aggregate(absl::Span<const Vote> votes, int min_sources);

// The same of what sources said. Marks each report as used or rejected, whatever it was before (but one that is "stale"
// stays so), and puts the used ones first.
Aggregated Aggregate(std::vector<SourceReport>& reports, int min_sources);

struct Weighted {
  double value = 0;
  // At least 0.
  double weight = 0;
};
// The value at which half of the weight is reached, or the mean of two where exactly half is; the plain median when no
// weight is above 0. At least one value.
double WeightedMedian(std::vector<Weighted> values);

}  // namespace tokenwatch::pricing

// A price as it is answered, with where it comes from. Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "chain/address.h"
#include "pricing/fold/series.h"
#include "pricing/oracle/observation.h"
#include "pricing/reference.h"

namespace tokenwatch::pricing {

// A: the pool's own reserves, or a quorum of sources. B: the amounts of one trade, or sources short of a quorum. C:
// stale.
enum class Grade : uint8_t { kA = 1, kB = 2, kC = 3 };
// kUnknown: the log no longer keeps the trade, only what was folded from it.
enum class Basis : uint8_t { kUnknown = 0, kReserves = 1, kTrade = 2, kOracle = 3 };

struct Price {
  chain::TokenRef token;
  Basis basis = Basis::kReserves;
  Grade grade = Grade::kA;
  // For prices from the log.
  chain::Address quote;
  std::optional<PricePoint> point;
  // Derived, whole quote for one whole token; nullopt when decimals are not known.
  std::optional<double> in_quote;
  // Derived (from the log), or the oracle's median.
  std::optional<double> usd;
  std::optional<Reference> reference;
  // What oracle sources said; empty for prices from the log.
  std::vector<SourceReport> sources;
  absl::Time event_time;
  std::optional<double> confidence_bps;
  // Why in_quote or usd is not known.
  std::string unknown_reason;
};

}  // namespace tokenwatch::pricing

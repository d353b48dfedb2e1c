// Pieces that `status` and `summary` share.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/context.h"
#include "cli/render/style.h"
#include "tokenwatch/detector/v1/detector.pb.h"
#include "tokenwatch/pricing/v1/pricing.pb.h"

namespace tokenwatch::cli {

// "p50 0.42ms  p95 1.20ms  p99 3.00ms  (1234)"; "none yet" without a count.
std::string LatencyText(const detector::v1::LatencySummary& latency);

// The feeds as a table; empty without any.
std::string FeedTable(const detector::v1::GetStatusResponse& status, absl::Time now, const Terminal& terminal);

// What pricing says when it is asked. Nothing when it is not there and nothing says that it should be: an environment
// may do without.
absl::StatusOr<std::optional<pricing::v1::GetStatusResponse>> AskPricing(Context& context);

}  // namespace tokenwatch::cli

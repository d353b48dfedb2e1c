// What the loops share.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/app/readiness.h"
#include "common/time/clock.h"
#include "resolver/cascade/cascade.h"
#include "resolver/config.h"
#include "resolver/detector.h"
#include "resolver/impostor/known_tokens.h"
#include "resolver/metrics.h"
#include "resolver/store.h"

namespace tokenwatch::resolver {

// Everything in it outlives the loops and is thread-safe.
struct LoopContext {
  const Config& config;
  Store& store;
  Detector& detector;
  Cascade& cascade;
  const KnownTokens& known_tokens;
  common::Clock& clock;
  WorkMetrics& metrics;
  // Whether the detector and the database answered when last asked.
  common::Readiness::Condition& detector_condition;
  common::Readiness::Condition& database_condition;
};

// Until when a store operation of a loop may take.
inline absl::Time StoreDeadline(const LoopContext& context) { return context.clock.Now() + absl::Seconds(10); }

// Sets the condition, counts and logs a failure (at most one line a second for each peer). Returns whether `status` is
// OK. An interruption by shutdown is no failure of the peer.
bool TellDetector(const LoopContext& context, const absl::Status& status, absl::string_view what);
bool TellDatabase(const LoopContext& context, const absl::Status& status, absl::string_view what);

}  // namespace tokenwatch::resolver

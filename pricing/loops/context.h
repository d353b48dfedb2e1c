// What the loops share.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/app/readiness.h"
#include "common/time/clock.h"
#include "pricing/config.h"
#include "pricing/detector.h"
#include "pricing/metrics.h"
#include "pricing/oracle/oracle.h"
#include "pricing/reference.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

// Everything in it outlives the loops and is thread-safe.
struct LoopContext {
  const Config& config;
  Store& store;
  Detector& detector;
  Oracle& oracle;
  ReferenceBook& references;
  common::Clock& clock;
  WorkMetrics& metrics;
  // Whether the detector and the database answered when last asked.
  common::Readiness::Condition& detector_condition;
  common::Readiness::Condition& database_condition;
  // Whether the log is the one that was folded, and can be folded on.
  common::Readiness::Condition& log_condition;
};

// Until when an operation of a loop may take.
inline absl::Time LoopDeadline(const LoopContext& context) { return context.clock.Now() + absl::Seconds(10); }

// Sets the condition, counts and logs a failure (at most one line a second for each peer). Returns whether `status` is
// OK. An interruption by shutdown is no failure of the peer.
bool TellDetector(const LoopContext& context, const absl::Status& status, absl::string_view what);
bool TellDatabase(const LoopContext& context, const absl::Status& status, absl::string_view what);

}  // namespace tokenwatch::pricing

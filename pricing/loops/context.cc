#include "pricing/loops/context.h"

#include <string>

#include "common/log/log.h"

namespace tokenwatch::pricing {

using common::Severity;

bool TellDetector(const LoopContext& context, const absl::Status& status, absl::string_view what) {
  if (status.ok()) {
    context.detector_condition.SetReady();
    return true;
  }
  if (absl::IsCancelled(status)) return false;
  context.metrics.detector_failures.Increment();
  context.detector_condition.SetNotReady(std::string(status.message()));
  TW_LOG_EVERY(absl::Seconds(1), Severity::kWarning, "the detector does not answer",
               {{"what", what}, {"detector", context.config.detector}, {"error", status.ToString()}});
  return false;
}

bool TellDatabase(const LoopContext& context, const absl::Status& status, absl::string_view what) {
  if (status.ok()) {
    context.database_condition.SetReady();
    return true;
  }
  if (absl::IsCancelled(status)) return false;
  context.metrics.store_failures.Increment();
  context.database_condition.SetNotReady(std::string(status.message()));
  TW_LOG_EVERY(absl::Seconds(1), Severity::kWarning, "the database does not answer",
               {{"what", what}, {"error", status.ToString()}});
  return false;
}

}  // namespace tokenwatch::pricing

#include "detector/housekeeping.h"

#include "absl/time/clock.h"
#include "common/log/log.h"
#include "common/sync/stop.h"

namespace tokenwatch::detector {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(250);
// Until the service is ready, which others wait for.
constexpr absl::Duration kUnreadyTick = absl::Milliseconds(5);
constexpr absl::Duration kHouseInterval = absl::Minutes(5);
constexpr absl::Duration kStoreTimeout = absl::Seconds(30);

}  // namespace

Housekeeping::Housekeeping(const Config& config, Store& store, const LogWriter& writer, common::StreamSet& streams,
                           Metrics& metrics, common::Readiness& readiness, common::Clock& clock)
    : config_(config),
      store_(store),
      writer_(writer),
      streams_(streams),
      metrics_(metrics),
      clock_(clock),
      log_(readiness.Add("log", "the log has no writer yet")),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

void Housekeeping::Run(const std::stop_token& stop) {
  absl::Time next_house = clock_.Now() + kHouseInterval;
  bool ready = false;
  do {
    const absl::Status health = writer_.health();
    ready = health.ok();
    if (ready) {
      log_.SetReady();
    } else {
      log_.SetNotReady(std::string(health.message()));
    }
    streams_.CutOffStalled(absl::Now());
    if (clock_.Now() >= next_house) {
      next_house = clock_.Now() + kHouseInterval;
      if (writer_.leads()) KeepHouse();
    }
  } while (common::SleepUnlessStopped(stop, ready ? kTick : kUnreadyTick));
}

void Housekeeping::KeepHouse() {
  const auto dropped = store_.DropOldTrades(config_.keep_days, clock_.Now(), clock_.Now() + kStoreTimeout);
  if (!dropped.ok()) {
    common::Log(common::Severity::kWarning, "old trades were not dropped", {{"error", dropped.status().message()}});
  } else {
    for (const std::string& partition : *dropped) {
      metrics_.OnPartitionDropped();
      common::Log(common::Severity::kInfo, "dropped a day of trades", {{"partition", partition}});
    }
  }
  const auto trimmed = store_.TrimQuarantine(config_.max_quarantined, clock_.Now() + kStoreTimeout);
  if (!trimmed.ok()) {
    common::Log(common::Severity::kWarning, "quarantine was not trimmed", {{"error", trimmed.status().message()}});
  } else if (*trimmed > 0) {
    metrics_.OnQuarantineTrimmed(*trimmed);
    common::Log(common::Severity::kWarning, "quarantine is full; its oldest frames were deleted",
                {{"frames", *trimmed}});
  }
}

}  // namespace tokenwatch::detector

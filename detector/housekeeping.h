// The detector's slow background work, on one thread: retention, the bound of the quarantine, slow readers, readiness.
#pragma once

#include <thread>

#include "common/app/readiness.h"
#include "common/rpc/pull_stream.h"
#include "common/time/clock.h"
#include "detector/config.h"
#include "detector/log/log_writer.h"
#include "detector/metrics.h"
#include "detector/store.h"

namespace tokenwatch::detector {

class Housekeeping {
 public:
  // Starts. All references outlive it.
  Housekeeping(const Config& config, Store& store, const LogWriter& writer, common::StreamSet& streams,
               Metrics& metrics, common::Readiness& readiness, common::Clock& clock);
  // Stops and joins.
  ~Housekeeping() = default;

 private:
  void Run(const std::stop_token& stop);
  // Only the replica that writes deletes.
  void KeepHouse();

  const Config& config_;
  Store& store_;
  const LogWriter& writer_;
  common::StreamSet& streams_;
  Metrics& metrics_;
  common::Clock& clock_;
  common::Readiness::Condition log_;
  std::jthread thread_;
};

}  // namespace tokenwatch::detector

// The whole service, wired.
#pragma once

#include "common/app/service_runner.h"
#include "common/time/clock.h"
#include "detector/config.h"

namespace tokenwatch::detector {

// Runs until a signal, or until the recording has been replayed where the configuration says so. Returns the exit code.
// Does not return when the start fails: the process ends with one line.
int RunDetector(const Config& config, const common::RunnerOptions& options, common::Clock& clock);

}  // namespace tokenwatch::detector

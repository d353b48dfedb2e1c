// The whole service, wired.
#pragma once

#include "common/app/service_runner.h"
#include "common/time/clock.h"
#include "pricing/config.h"

namespace tokenwatch::pricing {

// Runs until a signal. Returns the exit code. Does not return when the start fails: the process ends with one line.
int RunPricing(const Config& config, const common::RunnerOptions& options, common::Clock& clock);

}  // namespace tokenwatch::pricing

// The command line of tokenwatch-resolver. Included by main.cc only: everything else gets a Config.
#pragma once

#include "absl/status/statusor.h"
#include "common/app/service_runner.h"
#include "resolver/config.h"

namespace tokenwatch::resolver {

// After flags have been parsed. Reads the file that --dsn_file names; errors name the flag.
absl::StatusOr<Config> ConfigFromFlags();
absl::StatusOr<common::RunnerOptions> RunnerOptionsFromFlags();

}  // namespace tokenwatch::resolver

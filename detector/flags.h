// The command line of tokenwatch-detector. Included by main.cc only: everything else gets a Config.
#pragma once

#include "absl/status/statusor.h"
#include "detector/config.h"

namespace tokenwatch::detector {

// After flags have been parsed. Reads the file that --dsn_file names; errors name the flag.
absl::StatusOr<Config> ConfigFromFlags();

}  // namespace tokenwatch::detector

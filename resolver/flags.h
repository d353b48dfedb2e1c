// The command line of tokenwatch-resolver. Included by main.cc only: everything else gets a Config.
#pragma once

#include "absl/status/statusor.h"
#include "resolver/config.h"

namespace tokenwatch::resolver {

// After flags have been parsed. Reads the file that --dsn_file names; errors name the flag.
absl::StatusOr<Config> ConfigFromFlags();

}  // namespace tokenwatch::resolver

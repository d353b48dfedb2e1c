// The command line of tokenwatch-pricing. Included by main.cc only: everything else gets a Config.
#pragma once

#include "absl/status/statusor.h"
#include "pricing/config.h"

namespace tokenwatch::pricing {

// After flags have been parsed. Reads the file that --dsn_file names; errors name the flag.
absl::StatusOr<Config> ConfigFromFlags();

}  // namespace tokenwatch::pricing

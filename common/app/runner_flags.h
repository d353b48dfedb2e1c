// The flags that every service has: where it listens, how it drains, what it logs. They are defined here once and read
// by main only, through this function.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/app/service_runner.h"

namespace tokenwatch::common {

// --listen, --http_listen, --port_file, --reflection, --drain_grace, --drain_deadline and --log_level, after the flags
// were parsed. Sets the log's level. `listen` and `http_listen` are the service's addresses where the flags are empty.
// INVALID_ARGUMENT names the flag.
absl::StatusOr<RunnerOptions> RunnerOptionsFromFlags(const std::string& service, absl::string_view listen,
                                                     absl::string_view http_listen);

}  // namespace tokenwatch::common

// Connection strings: libpq's "key=value" form and its URI form.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tokenwatch::common {

// The settings written in `dsn`. INVALID_ARGUMENT, naming the mistake but no password, when libpq cannot read it.
absl::StatusOr<std::map<std::string, std::string>> ParseDsn(absl::string_view dsn);

// "key='value' ..." of the settings, quoted so that libpq reads the same back.
std::string FormatDsn(const std::map<std::string, std::string>& settings);

// `dsn` in key=value form without the password; for logs. "(unreadable connection string)" when it cannot be read.
std::string RedactDsn(absl::string_view dsn);

}  // namespace tokenwatch::common

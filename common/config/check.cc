#include "common/config/check.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "common/config/flags.h"

namespace tokenwatch::common {

namespace config_internal {

absl::Status OutOfRange(absl::string_view flag, absl::string_view value, absl::string_view min, absl::string_view max) {
  return absl::InvalidArgumentError(absl::StrCat("--", flag, "=", value, " is out of range: ", min, " to ", max));
}

}  // namespace config_internal

absl::Status CheckRange(absl::string_view flag, absl::Duration value, absl::Duration min, absl::Duration max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return config_internal::OutOfRange(flag, absl::FormatDuration(value), absl::FormatDuration(min),
                                     absl::FormatDuration(max));
}

absl::Status CheckPort(absl::string_view flag, int value) { return CheckRange(flag, value, 0, 65535); }

absl::Status CheckNotEmpty(absl::string_view flag, absl::string_view value) {
  if (!value.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--", flag, " is required: give it, or set ", EnvironmentName(flag)));
}

absl::Status CheckOneOf(absl::string_view flag, absl::string_view value,
                        std::initializer_list<absl::string_view> choices) {
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, "=", value, " is not one of: ", absl::StrJoin(choices, ", ")));
}

absl::Status FirstError(std::initializer_list<absl::Status> checks) {
  for (const absl::Status& status : checks) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace tokenwatch::common

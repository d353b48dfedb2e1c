// Validation of configuration values. Every message names the flag, the value and what is allowed.
//
//   absl::Status Config::Validate() const {
//     return FirstError({CheckRange("pool_size", pool_size, 1, 64),
//                        CheckNotEmpty("dsn_file", dsn_file),
//                        CheckRange("drain_grace", drain_grace, absl::ZeroDuration(), absl::Minutes(5))});
//   }
#pragma once

#include <initializer_list>
#include <string>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tokenwatch::common {

namespace config_internal {
absl::Status OutOfRange(absl::string_view flag, absl::string_view value, absl::string_view min, absl::string_view max);
}  // namespace config_internal

// INVALID_ARGUMENT unless min <= value <= max. NaN is in no range.
template <typename T>
requires std::is_arithmetic_v<T> absl::Status CheckRange(absl::string_view flag, T value, std::type_identity_t<T> min,
                                                         std::type_identity_t<T> max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return config_internal::OutOfRange(flag, absl::StrCat(value), absl::StrCat(min), absl::StrCat(max));
}
absl::Status CheckRange(absl::string_view flag, absl::Duration value, absl::Duration min, absl::Duration max);

// A port to listen on; 0 lets the system choose.
absl::Status CheckPort(absl::string_view flag, int value);
absl::Status CheckNotEmpty(absl::string_view flag, absl::string_view value);
absl::Status CheckOneOf(absl::string_view flag, absl::string_view value,
                        std::initializer_list<absl::string_view> choices);

// The first that is not OK.
absl::Status FirstError(std::initializer_list<absl::Status> checks);

}  // namespace tokenwatch::common

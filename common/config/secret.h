// Secrets come from files (or the environment), never from the command line, which every user of the machine can read.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace tokenwatch::common {

inline constexpr size_t kMaxSecretBytes = 64 * 1024;

// The file's text without white space around it. NOT_FOUND or PERMISSION_DENIED as the system says, INVALID_ARGUMENT
// when it is empty, contains a zero byte or is larger than kMaxSecretBytes. No message contains any of the text.
absl::StatusOr<std::string> ReadSecretFile(const std::string& path);

}  // namespace tokenwatch::common

// What the exit code of `tokenwatch` means. The values above 60 are those of sysexits.h.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tokenwatch::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitNotWell = 1,
  kExitNotFound = 2,
  kExitUsage = 64,
  kExitUnreachable = 69,
  kExitInternal = 70,
  kExitTemporary = 75,
  kExitPermission = 77,
  kExitInterrupted = 130,
};

struct ExitMeaning {
  ExitCode code;
  std::string meaning;
};

// Every code with its meaning, in ascending order: what --help prints.
const std::vector<ExitMeaning>& ExitMeanings();

// The exit code that stands for `status`.
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace tokenwatch::cli

// Command line and environment to absl flags. A main defines ABSL_FLAGs and calls ParseFlags; nothing else reads flags.
//
// Every flag may also come from the environment: --drain_grace from TOKENWATCH_DRAIN_GRACE. The command line wins over
// the environment, the environment over the default. Unlike absl::ParseCommandLine, mistakes are returned as a Status,
// so that a program ends with one line and the right exit code.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tokenwatch::common {

struct ParsedFlags {
  // --help was given: print FlagsHelp and exit 0. --version likewise.
  bool help = false;
  bool version = false;
  // Arguments that are not flags, and all that follow "--".
  std::vector<std::string> positional;
};

// The value of an environment variable; null when it is not set. std::getenv outside tests.
using EnvironmentLookup = std::function<const char*(const char*)>;

// Sets all flags of the program. Takes --name=value, --name value, --flag and --noflag for booleans, one dash or two,
// `-` and `_` alike. INVALID_ARGUMENT names the flag or the variable, and what is wrong with it.
// Call it once, before threads are started.
absl::StatusOr<ParsedFlags> ParseFlags(int argc, char* const* argv);
absl::StatusOr<ParsedFlags> ParseFlags(int argc, char* const* argv, const EnvironmentLookup& environment);

// "TOKENWATCH_DRAIN_GRACE" for "drain_grace".
std::string EnvironmentName(absl::string_view flag);

// `usage`, then every flag with its meaning, default and environment variable, in the order of their names.
std::string FlagsHelp(absl::string_view usage);

struct FlagSetting {
  std::string name;
  std::string value;  // "***" for a flag whose name says that it may hold a secret
};

// The flags that differ from their defaults, by name, for the one log line at start.
std::vector<FlagSetting> ChangedFlags();

}  // namespace tokenwatch::common

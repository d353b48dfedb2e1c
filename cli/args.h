// The command line as a declarative table, and the parser that reads arguments by it. Help and shell completion are
// made from the same table.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tokenwatch::cli {

class Context;

enum class ValueKind {
  kSwitch,    // no value
  kText,      // anything but nothing
  kNumber,    // decimal, within [min, max]
  kChoice,    // one of `choices`
  kDuration,  // "5s", "500ms"; 1 ms to 10 min
  kLongTime,  // "90s", "36h", "7d"; 1 s to 366 d
  kTime,      // "2026-07-03T14:45:30Z", "2026-07-03 14:45", or how long ago: "-90s", "-36h", "-7d"
  kToken,     // "<chain>:<address>"
};

struct FlagSpec {
  // Without the dashes.
  std::string name;
  ValueKind kind = ValueKind::kSwitch;
  // Placeholder in the help, such as "N".
  std::string value = {};
  std::string help = {};
  std::vector<std::string> choices = {};
  bool repeated = false;
  uint64_t min = 0;
  uint64_t max = UINT64_MAX;
  // A flag that cannot be given together with this one.
  std::string excludes = {};
};

struct PositionalSpec {
  std::string name = {};
  ValueKind kind = ValueKind::kText;
  std::string help = {};
  std::vector<std::string> choices = {};
  size_t min_count = 1;
  size_t max_count = 1;
};

// Runs a command and gives the exit code, or the error that explains itself in one line.
using Handler = absl::StatusOr<int> (*)(Context&);

struct CommandSpec {
  std::string name;
  std::string summary = {};
  // More for the command's own help; may be empty.
  std::string details = {};
  std::vector<PositionalSpec> positionals = {};
  std::vector<FlagSpec> flags = {};
  std::vector<std::string> examples = {};
  Handler run = nullptr;
};

// A word on the first level: a group of commands, or (one command without a name) a command itself.
struct GroupSpec {
  std::string name;
  std::string summary = {};
  std::vector<CommandSpec> commands = {};

  bool is_command() const { return commands.size() == 1 && commands.front().name.empty(); }
};

struct Catalogue {
  std::vector<GroupSpec> groups;
  // Flags that every command takes. "help" and "version" are known to the parser.
  std::vector<FlagSpec> global_flags;
};

// Values that passed the checks of their specs.
class ParsedArgs {
 public:
  bool Has(absl::string_view flag) const;
  // The last value given, or nothing.
  std::string Text(absl::string_view flag) const;
  std::vector<std::string> Texts(absl::string_view flag) const;
  uint64_t Number(absl::string_view flag, uint64_t fallback) const;
  absl::Duration Duration(absl::string_view flag, absl::Duration fallback) const;
  // Of kTime; what is so long ago counts from `now`.
  std::optional<absl::Time> Time(absl::string_view flag, absl::Time now) const;
  const std::vector<std::string>& positionals() const { return positionals_; }

 private:
  friend class Parser;
  std::map<std::string, std::vector<std::string>> flags_;
  std::vector<std::string> positionals_;
};

// What a command line asks for. With `help` or `version` the command may be missing.
struct Invocation {
  const GroupSpec* group = nullptr;
  const CommandSpec* command = nullptr;
  bool help = false;
  bool version = false;
  ParsedArgs args;
};

// Reads `arguments` (without the program's name). Flags are "--name value" or "--name=value", anywhere after the
// command they belong to; global ones anywhere; "--" ends them. INVALID_ARGUMENT with one line that names the nearest
// match when a word is not known. The result points into `catalogue`.
absl::StatusOr<Invocation> ParseArguments(const Catalogue& catalogue, const std::vector<std::string>& arguments);

// The candidate with the fewest typing errors (insert, delete, replace, swap neighbours) away from `word`; empty when
// none is near.
std::string NearestMatch(absl::string_view word, const std::vector<std::string>& candidates);

}  // namespace tokenwatch::cli

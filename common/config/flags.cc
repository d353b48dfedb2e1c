#include "common/config/flags.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tokenwatch::common {
namespace {

// Flags whose names end so may hold a secret, directly or inside a connection string.
constexpr absl::string_view kSecretEndings[] = {"secret", "password", "key", "dsn", "credential"};

// The program's own flags by name. Those of libraries it links are not settings of the program.
std::map<std::string, absl::CommandLineFlag*> OwnFlags() {
  std::map<std::string, absl::CommandLineFlag*> flags;
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    if (!flag->IsRetired() && !absl::StrContains(flag->Filename(), "absl/flags/")) flags.emplace(name, flag);
  }
  return flags;
}

bool MayHoldSecret(absl::string_view name) {
  return std::any_of(std::begin(kSecretEndings), std::end(kSecretEndings),
                     [&](absl::string_view ending) { return absl::EndsWith(name, ending); });
}

// `origin` is "--name" or the environment variable. The value itself is not repeated when it may be a secret.
absl::Status Set(absl::CommandLineFlag& flag, absl::string_view origin, absl::string_view value) {
  std::string error;
  if (flag.ParseFrom(value, &error)) return absl::OkStatus();
  const std::string shown = MayHoldSecret(flag.Name()) ? "***" : std::string(value);
  return absl::InvalidArgumentError(absl::StrCat(origin, ": \"", shown, "\" is not a value for this flag (",
                                                 flag.Help(), "); default: ", flag.DefaultValue()));
}

absl::Status ApplyEnvironment(const std::map<std::string, absl::CommandLineFlag*>& flags,
                              const EnvironmentLookup& environment) {
  for (const auto& [name, flag] : flags) {
    const std::string variable = EnvironmentName(name);
    const char* value = environment(variable.c_str());
    if (value == nullptr) continue;
    if (absl::Status status = Set(*flag, variable, value); !status.ok()) return status;
  }
  return absl::OkStatus();
}

class CommandLine {
 public:
  CommandLine(int argc, char* const* argv, const std::map<std::string, absl::CommandLineFlag*>& flags)
      : argc_(argc), argv_(argv), flags_(flags) {}

  absl::StatusOr<ParsedFlags> Parse() {
    ParsedFlags parsed;
    while (next_ < argc_) {
      absl::string_view argument = argv_[next_++];
      if (argument == "--") {
        parsed.positional.insert(parsed.positional.end(), argv_ + next_, argv_ + argc_);
        break;
      }
      if (argument.size() < 2 || !absl::ConsumePrefix(&argument, "-")) {
        parsed.positional.emplace_back(argument);
        continue;
      }
      absl::ConsumePrefix(&argument, "-");
      if (argument == "help" || argument == "h") {
        parsed.help = true;
      } else if (argument == "version") {
        parsed.version = true;
      } else if (absl::Status status = One(argument); !status.ok()) {
        return status;
      }
    }
    return parsed;
  }

 private:
  absl::CommandLineFlag* Find(const std::string& name) const {
    const auto found = flags_.find(name);
    return found == flags_.end() ? nullptr : found->second;
  }

  // `argument` is what follows the dashes.
  absl::Status One(absl::string_view argument) {
    const size_t equals = argument.find('=');
    std::string name(argument.substr(0, equals));
    std::replace(name.begin(), name.end(), '-', '_');
    std::optional<std::string> value;
    if (equals != absl::string_view::npos) value = std::string(argument.substr(equals + 1));

    absl::CommandLineFlag* flag = Find(name);
    if (flag == nullptr && !value.has_value() && absl::StartsWith(name, "no")) {
      flag = Find(name.substr(2));
      if (flag != nullptr && !flag->IsOfType<bool>()) flag = nullptr;
      value = "false";
    }
    if (flag == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("--", name, ": no such flag: --help lists all"));
    }
    if (!value.has_value()) {
      if (flag->IsOfType<bool>()) {
        value = "true";
      } else if (next_ < argc_) {
        value = argv_[next_++];
      } else {
        return absl::InvalidArgumentError(absl::StrCat("--", name, ": the value is missing: --", name, "=VALUE"));
      }
    }
    return Set(*flag, absl::StrCat("--", name), *value);
  }

  const int argc_;
  char* const* const argv_;
  const std::map<std::string, absl::CommandLineFlag*>& flags_;
  int next_ = 1;
};

}  // namespace

absl::StatusOr<ParsedFlags> ParseFlags(int argc, char* const* argv) {
  return ParseFlags(argc, argv, [](const char* name) { return std::getenv(name); });
}

absl::StatusOr<ParsedFlags> ParseFlags(int argc, char* const* argv, const EnvironmentLookup& environment) {
  const std::map<std::string, absl::CommandLineFlag*> flags = OwnFlags();
  if (absl::Status status = ApplyEnvironment(flags, environment); !status.ok()) return status;
  return CommandLine(argc, argv, flags).Parse();
}

std::string EnvironmentName(absl::string_view flag) { return absl::StrCat("TOKENWATCH_", absl::AsciiStrToUpper(flag)); }

std::string FlagsHelp(absl::string_view usage) {
  std::string text = absl::StrCat(usage, "\n\nFlags (each also from the environment; the command line wins):\n");
  for (const auto& [name, flag] : OwnFlags()) {
    const std::string default_value = flag->DefaultValue();
    absl::StrAppend(&text, "  --", name, "  ", flag->Help(),
                    "\n      default: ", default_value.empty() ? "none" : default_value,
                    "   environment: ", EnvironmentName(name), "\n");
  }
  return text;
}

std::vector<FlagSetting> ChangedFlags() {
  std::vector<FlagSetting> settings;
  for (const auto& [name, flag] : OwnFlags()) {
    const std::string value = flag->CurrentValue();
    if (value == flag->DefaultValue()) continue;
    settings.push_back({name, MayHoldSecret(name) ? "***" : value});
  }
  return settings;
}

}  // namespace tokenwatch::common

#include "cli/args.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace tokenwatch::cli {
namespace {

constexpr absl::Duration kMinDuration = absl::Milliseconds(1);
constexpr absl::Duration kMaxDuration = absl::Minutes(10);
constexpr absl::Duration kMinLongTime = absl::Seconds(1);
constexpr absl::Duration kMaxLongTime = absl::Hours(366 * 24);
constexpr size_t kMaxChainLength = 32;
constexpr size_t kMaxAddressLength = 128;

bool IsToken(const std::string& value) {
  const size_t colon = value.find(':');
  if (colon == std::string::npos || colon == 0 || colon > kMaxChainLength) return false;
  const std::string address = value.substr(colon + 1);
  return std::all_of(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(colon),
                     [](char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-'; }) &&
         !address.empty() && address.size() <= kMaxAddressLength &&
         std::all_of(address.begin(), address.end(), absl::ascii_isalnum);
}

// As absl::ParseDuration, and whole days: "7d".
bool ParseLongDuration(absl::string_view text, absl::Duration* duration) {
  int64_t days = 0;
  if (absl::ConsumeSuffix(&text, "d")) {
    if (text.empty() || !std::all_of(text.begin(), text.end(), absl::ascii_isdigit) || !absl::SimpleAtoi(text, &days)) {
      return false;
    }
    *duration = absl::Hours(24) * days;
    return true;
  }
  return absl::ParseDuration(text, duration);
}

bool ParseLongTime(absl::string_view text, absl::Duration* duration) {
  return ParseLongDuration(text, duration) && *duration >= kMinLongTime && *duration <= kMaxLongTime;
}

std::optional<absl::Time> ParseTime(absl::string_view text, absl::Time now) {
  absl::Duration ago;
  if (absl::ConsumePrefix(&text, "-")) {
    if (!ParseLongTime(text, &ago)) return std::nullopt;
    return now - ago;
  }
  absl::Time time;
  for (const char* format : {absl::RFC3339_full, "%Y-%m-%d%ET%H:%M:%E*SZ", "%Y-%m-%d %H:%M:%E*SZ",
                             "%Y-%m-%d %H:%M:%E*S", "%Y-%m-%d %H:%M", "%Y-%m-%d%ET%H:%MZ", "%Y-%m-%d"}) {
    std::string error;
    if (absl::ParseTime(format, text, absl::UTCTimeZone(), &time, &error)) return time;
  }
  return std::nullopt;
}

// Empty when `value` is right for the kind; otherwise what it must be.
std::string Expectation(ValueKind kind, const std::vector<std::string>& choices, uint64_t min, uint64_t max,
                        const std::string& value) {
  switch (kind) {
    case ValueKind::kSwitch:
      return "";
    case ValueKind::kText:
      return value.empty() ? "must not be empty" : "";
    case ValueKind::kNumber: {
      uint64_t number = 0;
      const bool digits = !value.empty() && std::all_of(value.begin(), value.end(), absl::ascii_isdigit);
      if (digits && absl::SimpleAtoi(value, &number) && number >= min && number <= max) return "";
      return max == UINT64_MAX ? absl::StrCat("must be a number of at least ", min)
                               : absl::StrCat("must be a number from ", min, " to ", max);
    }
    case ValueKind::kChoice:
      if (std::find(choices.begin(), choices.end(), value) != choices.end()) return "";
      return absl::StrCat("must be one of ", absl::StrJoin(choices, ", "));
    case ValueKind::kDuration: {
      absl::Duration duration;
      if (absl::ParseDuration(value, &duration) && duration >= kMinDuration && duration <= kMaxDuration) return "";
      return "must be a duration from 1ms to 10m, such as 5s or 500ms";
    }
    case ValueKind::kLongTime: {
      absl::Duration duration;
      return ParseLongTime(value, &duration) ? "" : "must be a duration from 1s to 366d, such as 90s, 36h or 7d";
    }
    case ValueKind::kTime:
      return ParseTime(value, absl::UnixEpoch()).has_value() ? ""
                                                             : "must be a time in UTC, such as 2026-07-03T14:45:30Z, "
                                                               "or how long ago it is, such as -90s, -36h or -7d";
    case ValueKind::kToken:
      return IsToken(value) ? ""
                            : "must be <chain>:<address>, such as solana:So11111111111111111111111111111111111111112";
  }
  return "";
}

std::string DidYouMean(absl::string_view word, const std::vector<std::string>& candidates, absl::string_view prefix) {
  const std::string nearest = NearestMatch(word, candidates);
  return nearest.empty() ? "" : absl::StrCat("; did you mean ", prefix, nearest, "?");
}

std::vector<std::string> GroupNames(const Catalogue& catalogue) {
  std::vector<std::string> names;
  for (const GroupSpec& group : catalogue.groups) names.push_back(group.name);
  return names;
}

std::vector<std::string> CommandNames(const GroupSpec& group) {
  std::vector<std::string> names;
  for (const CommandSpec& command : group.commands) names.push_back(command.name);
  return names;
}

}  // namespace

class Parser {
 public:
  Parser(const Catalogue& catalogue, const std::vector<std::string>& arguments)
      : catalogue_(catalogue), arguments_(arguments) {}

  absl::StatusOr<Invocation> Parse() {
    bool flags_ended = false;
    for (at_ = 0; at_ < arguments_.size(); ++at_) {
      const std::string& word = arguments_[at_];
      absl::Status status;
      if (!flags_ended && word == "--") {
        flags_ended = true;
      } else if (!flags_ended && (word == "-h" || word == "--help")) {
        result_.help = true;
      } else if (!flags_ended && word == "--version") {
        result_.version = true;
      } else if (!flags_ended && word.size() > 1 && word[0] == '-') {
        status = TakeFlag(word);
      } else {
        status = TakeWord(word);
      }
      if (!status.ok()) return status;
    }
    if (!result_.help && !result_.version) {
      if (absl::Status status = CheckWhole(); !status.ok()) return status;
    }
    return std::move(result_);
  }

 private:
  std::string Path() const {
    if (result_.group == nullptr) return "tokenwatch";
    if (result_.command == nullptr || result_.command->name.empty()) return result_.group->name;
    return absl::StrCat(result_.group->name, " ", result_.command->name);
  }

  const FlagSpec* FindFlag(absl::string_view name) const {
    const auto find = [&](const std::vector<FlagSpec>& flags) -> const FlagSpec* {
      for (const FlagSpec& flag : flags) {
        if (flag.name == name) return &flag;
      }
      return nullptr;
    };
    if (result_.command != nullptr) {
      if (const FlagSpec* flag = find(result_.command->flags)) return flag;
    }
    return find(catalogue_.global_flags);
  }

  absl::Status UnknownFlag(absl::string_view name) const {
    std::vector<std::string> known = {"help", "version"};
    if (result_.command != nullptr) {
      for (const FlagSpec& flag : result_.command->flags) known.push_back(flag.name);
    }
    for (const FlagSpec& flag : catalogue_.global_flags) known.push_back(flag.name);
    return absl::InvalidArgumentError(
        absl::StrCat("unknown flag --", name, " for '", Path(), "'", DidYouMean(name, known, "--")));
  }

  absl::Status TakeFlag(const std::string& word) {
    if (!absl::StartsWith(word, "--")) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown flag ", word, " for '", Path(), "': flags start with --"));
    }
    const size_t equals = word.find('=');
    const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
    const FlagSpec* flag = FindFlag(name);
    if (flag == nullptr) return UnknownFlag(name);
    std::vector<std::string>& values = result_.args.flags_[name];
    if (flag->kind == ValueKind::kSwitch) {
      if (equals != std::string::npos) return absl::InvalidArgumentError(absl::StrCat("--", name, " takes no value"));
      values = {""};
      return absl::OkStatus();
    }
    std::string value;
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (at_ + 1 < arguments_.size()) {
      value = arguments_[++at_];
    } else {
      return absl::InvalidArgumentError(absl::StrCat("--", name, " needs a value (", flag->value, ")"));
    }
    const std::string expectation = Expectation(flag->kind, flag->choices, flag->min, flag->max, value);
    if (!expectation.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("--", name, " is \"", value, "\": it ", expectation));
    }
    if (!values.empty() && !flag->repeated) {
      return absl::InvalidArgumentError(absl::StrCat("--", name, " is given more than once"));
    }
    values.push_back(std::move(value));
    return absl::OkStatus();
  }

  absl::Status TakeWord(const std::string& word) {
    if (result_.group == nullptr) {
      for (const GroupSpec& group : catalogue_.groups) {
        if (group.name == word) result_.group = &group;
      }
      if (result_.group == nullptr) {
        return absl::InvalidArgumentError(
            absl::StrCat("unknown command ", word, DidYouMean(word, GroupNames(catalogue_), "")));
      }
      if (result_.group->is_command()) result_.command = &result_.group->commands.front();
      return absl::OkStatus();
    }
    if (result_.command == nullptr) {
      for (const CommandSpec& command : result_.group->commands) {
        if (command.name == word) result_.command = &command;
      }
      if (result_.command != nullptr) return absl::OkStatus();
      return absl::InvalidArgumentError(absl::StrCat("unknown command ", result_.group->name, " ", word,
                                                     DidYouMean(word, CommandNames(*result_.group), "")));
    }
    result_.args.positionals_.push_back(word);
    return absl::OkStatus();
  }

  // Positional arguments in the order of their specs; the last spec takes what is left.
  absl::Status CheckPositionals() const {
    const std::vector<std::string>& words = result_.args.positionals_;
    const std::vector<PositionalSpec>& specs = result_.command->positionals;
    size_t next = 0;
    for (const PositionalSpec& spec : specs) {
      const size_t count = std::min(words.size() - next, spec.max_count);
      if (count < spec.min_count) {
        return absl::InvalidArgumentError(absl::StrCat("'", Path(), "' needs ", spec.name, ": ", spec.help));
      }
      for (const size_t end = next + count; next < end; ++next) {
        const std::string expectation = Expectation(spec.kind, spec.choices, 0, UINT64_MAX, words[next]);
        if (!expectation.empty()) {
          return absl::InvalidArgumentError(absl::StrCat(spec.name, " is \"", words[next], "\": it ", expectation));
        }
      }
    }
    if (next == words.size()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("'", Path(), "' does not take \"", words[next], "\"",
                                                   specs.empty() ? "" : " as a further argument"));
  }

  absl::Status CheckWhole() const {
    if (result_.group == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("no command given: one of ", absl::StrJoin(GroupNames(catalogue_), ", ")));
    }
    if (result_.command == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("'", result_.group->name, "' needs a command: one of ",
                                                     absl::StrJoin(CommandNames(*result_.group), ", ")));
    }
    for (const auto& [name, values] : result_.args.flags_) {
      const FlagSpec* flag = FindFlag(name);
      if (flag != nullptr && !flag->excludes.empty() && result_.args.Has(flag->excludes)) {
        return absl::InvalidArgumentError(absl::StrCat("--", name, " and --", flag->excludes, " exclude each other"));
      }
    }
    return CheckPositionals();
  }

  const Catalogue& catalogue_;
  const std::vector<std::string>& arguments_;
  size_t at_ = 0;
  Invocation result_;
};

bool ParsedArgs::Has(absl::string_view flag) const { return flags_.count(std::string(flag.data(), flag.size())) > 0; }

std::string ParsedArgs::Text(absl::string_view flag) const {
  const std::vector<std::string> values = Texts(flag);
  return values.empty() ? "" : values.back();
}

std::vector<std::string> ParsedArgs::Texts(absl::string_view flag) const {
  const auto found = flags_.find(std::string(flag.data(), flag.size()));
  return found == flags_.end() ? std::vector<std::string>() : found->second;
}

uint64_t ParsedArgs::Number(absl::string_view flag, uint64_t fallback) const {
  uint64_t number = 0;
  return Has(flag) && absl::SimpleAtoi(Text(flag), &number) ? number : fallback;
}

absl::Duration ParsedArgs::Duration(absl::string_view flag, absl::Duration fallback) const {
  absl::Duration duration;
  return Has(flag) && ParseLongDuration(Text(flag), &duration) ? duration : fallback;
}

std::optional<absl::Time> ParsedArgs::Time(absl::string_view flag, absl::Time now) const {
  return Has(flag) ? ParseTime(Text(flag), now) : std::nullopt;
}

absl::StatusOr<Invocation> ParseArguments(const Catalogue& catalogue, const std::vector<std::string>& arguments) {
  return Parser(catalogue, arguments).Parse();
}

}  // namespace tokenwatch::cli

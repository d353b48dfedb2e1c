#include "cli/help.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/exit_codes.h"

namespace tokenwatch::cli {
namespace {

// "name  explanation" lines, the explanations aligned.
std::string Entries(const std::vector<std::pair<std::string, std::string>>& entries) {
  size_t width = 0;
  for (const auto& [name, explanation] : entries) width = std::max(width, name.size());
  std::string text;
  for (const auto& [name, explanation] : entries) {
    absl::StrAppend(&text, "  ", name, std::string(width - name.size() + 2, ' '), explanation, "\n");
  }
  return text;
}

std::string FlagSyntax(const FlagSpec& flag) {
  if (flag.kind == ValueKind::kSwitch) return absl::StrCat("--", flag.name);
  return absl::StrCat("--", flag.name, " ", flag.value);
}

std::string FlagHelp(const FlagSpec& flag) {
  return absl::StrCat(flag.help, flag.choices.empty() ? "" : absl::StrCat(": ", absl::StrJoin(flag.choices, ", ")),
                      flag.repeated ? " (may be repeated)" : "");
}

std::string Flags(const std::vector<FlagSpec>& flags) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (const FlagSpec& flag : flags) entries.emplace_back(FlagSyntax(flag), FlagHelp(flag));
  return Entries(entries);
}

std::string PositionalSyntax(const PositionalSpec& positional) {
  const std::string name = absl::StrCat(positional.name, positional.max_count > 1 ? "..." : "");
  return positional.min_count == 0 ? absl::StrCat("[", name, "]") : name;
}

std::string CommandPath(const GroupSpec& group, const CommandSpec& command) {
  return absl::StrCat("tokenwatch ", group.name, command.name.empty() ? "" : " ", command.name);
}

std::string CommandHelp(const Catalogue& catalogue, const GroupSpec& group, const CommandSpec& command) {
  std::string usage = CommandPath(group, command);
  std::vector<std::pair<std::string, std::string>> arguments;
  for (const PositionalSpec& positional : command.positionals) {
    absl::StrAppend(&usage, " ", PositionalSyntax(positional));
    arguments.emplace_back(positional.name, positional.help);
  }
  if (!command.flags.empty()) absl::StrAppend(&usage, " [flags]");
  std::string text = absl::StrCat(command.summary, "\n\nUsage: ", usage, "\n");
  if (!command.details.empty()) absl::StrAppend(&text, "\n", command.details, "\n");
  if (!arguments.empty()) absl::StrAppend(&text, "\nArguments:\n", Entries(arguments));
  if (!command.flags.empty()) absl::StrAppend(&text, "\nFlags:\n", Flags(command.flags));
  absl::StrAppend(&text, "\nGlobal flags:\n", Flags(catalogue.global_flags));
  if (!command.examples.empty()) absl::StrAppend(&text, "\nExamples:\n");
  for (const std::string& example : command.examples) absl::StrAppend(&text, "  ", example, "\n");
  return text;
}

std::string GroupHelp(const GroupSpec& group) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (const CommandSpec& command : group.commands) entries.emplace_back(command.name, command.summary);
  return absl::StrCat(group.summary, "\n\nUsage: tokenwatch ", group.name, " <command>\n\nCommands:\n",
                      Entries(entries), "\n'tokenwatch ", group.name, " <command> --help' tells more.\n");
}

std::string ProgramHelp(const Catalogue& catalogue) {
  std::vector<std::pair<std::string, std::string>> commands;
  for (const GroupSpec& group : catalogue.groups) {
    for (const CommandSpec& command : group.commands) {
      commands.emplace_back(absl::StrCat(group.name, command.name.empty() ? "" : " ", command.name), command.summary);
    }
  }
  std::vector<std::pair<std::string, std::string>> codes;
  for (const ExitMeaning& meaning : ExitMeanings()) {
    codes.emplace_back(absl::StrFormat("%3d", static_cast<int>(meaning.code)), meaning.meaning);
  }
  return absl::StrCat(
      "Looks at a running Tokenwatch: tokens, trades, names, and how its services are.\n\n"
      "Usage: tokenwatch <command> [arguments] [flags]\n\nCommands:\n",
      Entries(commands), "\nGlobal flags:\n", Flags(catalogue.global_flags),
      "  -h, --help, --version\n"
      "\nEnvironment:\n",
      Entries({{"TOKENWATCH_DETECTOR", "address of the detector, when --detector is not given"},
               {"TOKENWATCH_RESOLVER", "address of the resolver, when --resolver is not given"},
               {"TOKENWATCH_ENDPOINTS", "file with the addresses, {\"detector\":\"HOST:PORT\",...}, asked last"},
               {"NO_COLOR", "no colours, whatever the terminal can do"}}),
      "\nExit codes:\n", Entries(codes),
      "\nOutput is a table, or with --json one JSON object per line. Errors are one line on stderr.\n"
      "'tokenwatch <command> --help' tells more.\n");
}

}  // namespace

std::string HelpText(const Catalogue& catalogue, const Invocation& invocation) {
  if (invocation.command != nullptr) return CommandHelp(catalogue, *invocation.group, *invocation.command);
  if (invocation.group != nullptr) return GroupHelp(*invocation.group);
  return ProgramHelp(catalogue);
}

}  // namespace tokenwatch::cli

#include "cli/completion.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace tokenwatch::cli {
namespace {

// What can follow a command that is complete: its flags, the global ones, and the words its arguments choose from.
struct Offer {
  // "tokens list"; or "" for the first word, "tokens" for the second.
  std::string path;
  std::vector<std::pair<std::string, std::string>> words;
};

struct FlagChoices {
  std::string flag;
  std::vector<std::string> choices;
};

void AddFlags(const std::vector<FlagSpec>& flags, Offer& offer) {
  for (const FlagSpec& flag : flags) offer.words.emplace_back(absl::StrCat("--", flag.name), flag.help);
}

std::vector<Offer> Offers(const Catalogue& catalogue) {
  std::vector<Offer> offers = {{"", {}}};
  for (const GroupSpec& group : catalogue.groups) {
    offers[0].words.emplace_back(group.name, group.summary);
    Offer group_offer{group.name, {}};
    for (const CommandSpec& command : group.commands) {
      Offer offer{command.name.empty() ? group.name : absl::StrCat(group.name, " ", command.name), {}};
      for (const PositionalSpec& positional : command.positionals) {
        for (const std::string& choice : positional.choices) offer.words.emplace_back(choice, positional.help);
      }
      AddFlags(command.flags, offer);
      AddFlags(catalogue.global_flags, offer);
      offer.words.emplace_back("--help", "explain this command");
      offers.push_back(std::move(offer));
      group_offer.words.emplace_back(command.name, command.summary);
    }
    if (!group.is_command()) offers.push_back(std::move(group_offer));
  }
  AddFlags(catalogue.global_flags, offers[0]);
  offers[0].words.emplace_back("--help", "explain the program");
  offers[0].words.emplace_back("--version", "print the version");
  return offers;
}

// Flags that take a value: those with choices, and the names of all.
void CollectValues(const Catalogue& catalogue, std::vector<FlagChoices>& choices, std::vector<std::string>& valued) {
  const auto add = [&](const std::vector<FlagSpec>& flags) {
    for (const FlagSpec& flag : flags) {
      const std::string name = absl::StrCat("--", flag.name);
      if (flag.kind == ValueKind::kSwitch || std::count(valued.begin(), valued.end(), name) > 0) continue;
      valued.push_back(name);
      if (!flag.choices.empty()) choices.push_back({name, flag.choices});
    }
  };
  add(catalogue.global_flags);
  for (const GroupSpec& group : catalogue.groups) {
    for (const CommandSpec& command : group.commands) add(command.flags);
  }
}

// In single quotes, for any of the three shells: none of the catalogue's words holds a quote or a backslash, and what
// a help text holds is taken out.
std::string Quoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", ""}, {"\\", ""}}), "'");
}

std::string Words(const Offer& offer) {
  std::vector<std::string> words;
  for (const auto& [word, help] : offer.words) words.push_back(word);
  return absl::StrJoin(words, " ");
}

}  // namespace

std::string BashCompletion(const Catalogue& catalogue) {
  std::vector<FlagChoices> choices;
  std::vector<std::string> valued;
  CollectValues(catalogue, choices, valued);
  std::string text =
      "# bash completion of tokenwatch\n"
      "_tokenwatch() {\n"
      "  local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\" path='' words='' i\n"
      "  COMPREPLY=()\n"
      "  case \"$previous\" in\n";
  for (const FlagChoices& flag : choices) {
    absl::StrAppend(&text, "    ", flag.flag, ") COMPREPLY=($(compgen -W ", Quoted(absl::StrJoin(flag.choices, " ")),
                    " -- \"$current\")); return ;;\n");
  }
  absl::StrAppend(&text, "    ", absl::StrJoin(valued, "|"),
                  ") return ;;\n"
                  "  esac\n"
                  "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                  "    case \"${COMP_WORDS[i]}\" in\n      ",
                  absl::StrJoin(valued, "|"),
                  ") ((i++)) ;;\n"
                  "      -*) ;;\n"
                  "      *) path=\"${path:+$path }${COMP_WORDS[i]}\" ;;\n"
                  "    esac\n"
                  "  done\n"
                  "  case \"$path\" in\n");
  std::vector<Offer> offers = Offers(catalogue);
  // Longer paths first: arguments may follow a command, so that "tokens get x" still offers what "tokens get" does.
  std::stable_sort(offers.begin(), offers.end(),
                   [](const Offer& a, const Offer& b) { return a.path.size() > b.path.size(); });
  for (const Offer& offer : offers) {
    const std::string pattern = offer.path.empty() ? "''" : absl::StrCat("'", offer.path, "'|'", offer.path, " '*");
    absl::StrAppend(&text, "    ", pattern, ") words=", Quoted(Words(offer)), " ;;\n");
  }
  absl::StrAppend(&text,
                  "  esac\n"
                  "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                  "}\n"
                  "complete -F _tokenwatch tokenwatch\n");
  return text;
}

std::string ZshCompletion(const Catalogue& catalogue) {
  std::vector<FlagChoices> choices;
  std::vector<std::string> valued;
  CollectValues(catalogue, choices, valued);
  std::string text =
      "#compdef tokenwatch\n"
      "_tokenwatch() {\n"
      "  local -a offers\n"
      "  local route='' i\n"
      "  case \"${words[CURRENT-1]}\" in\n";
  for (const FlagChoices& flag : choices) {
    absl::StrAppend(&text, "    ", flag.flag, ") compadd -- ", absl::StrJoin(flag.choices, " "), "; return ;;\n");
  }
  absl::StrAppend(&text, "    ", absl::StrJoin(valued, "|"),
                  ") return ;;\n"
                  "  esac\n"
                  "  for ((i = 2; i < CURRENT; i++)); do\n"
                  "    case \"${words[i]}\" in\n      ",
                  absl::StrJoin(valued, "|"),
                  ") ((i++)) ;;\n"
                  "      -*) ;;\n"
                  "      *) route=\"${route:+$route }${words[i]}\" ;;\n"
                  "    esac\n"
                  "  done\n"
                  "  case \"$route\" in\n");
  std::vector<Offer> offers = Offers(catalogue);
  std::stable_sort(offers.begin(), offers.end(),
                   [](const Offer& a, const Offer& b) { return a.path.size() > b.path.size(); });
  for (const Offer& offer : offers) {
    const std::string pattern = offer.path.empty() ? "''" : absl::StrCat("'", offer.path, "'|'", offer.path, " '*");
    absl::StrAppend(&text, "    ", pattern, ") offers=(");
    for (const auto& [word, help] : offer.words) {
      absl::StrAppend(&text, "\n      ", Quoted(word).substr(0, word.size() + 1), ":", Quoted(help).substr(1));
    }
    absl::StrAppend(&text, " ) ;;\n");
  }
  absl::StrAppend(&text,
                  "  esac\n"
                  "  _describe 'tokenwatch' offers\n"
                  "}\n"
                  "if [ \"$funcstack[1]\" = \"_tokenwatch\" ]; then _tokenwatch \"$@\"; "
                  "else compdef _tokenwatch tokenwatch; fi\n");
  return text;
}

std::string FishCompletion(const Catalogue& catalogue) {
  std::string text = "# fish completion of tokenwatch\ncomplete -c tokenwatch -f\n";
  const auto flags = [&](const std::string& condition, const std::vector<FlagSpec>& specs) {
    for (const FlagSpec& flag : specs) {
      absl::StrAppend(&text, "complete -c tokenwatch", condition, " -l ", flag.name,
                      flag.kind == ValueKind::kSwitch ? "" : " -x",
                      flag.choices.empty() ? "" : absl::StrCat(" -a ", Quoted(absl::StrJoin(flag.choices, " "))),
                      " -d ", Quoted(flag.help), "\n");
    }
  };
  flags("", catalogue.global_flags);
  absl::StrAppend(&text, "complete -c tokenwatch -s h -l help -d 'explain'\n",
                  "complete -c tokenwatch -n __fish_use_subcommand -l version -d 'print the version'\n");
  for (const GroupSpec& group : catalogue.groups) {
    absl::StrAppend(&text, "complete -c tokenwatch -n __fish_use_subcommand -a ", group.name, " -d ",
                    Quoted(group.summary), "\n");
    const std::string in_group = absl::StrCat("__fish_seen_subcommand_from ", group.name);
    std::vector<std::string> names;
    for (const CommandSpec& command : group.commands) names.push_back(command.name);
    for (const CommandSpec& command : group.commands) {
      std::string condition = absl::StrCat(" -n ", Quoted(in_group));
      if (!group.is_command()) {
        absl::StrAppend(
            &text, "complete -c tokenwatch -n ",
            Quoted(absl::StrCat(in_group, "; and not __fish_seen_subcommand_from ", absl::StrJoin(names, " "))), " -a ",
            command.name, " -d ", Quoted(command.summary), "\n");
        condition =
            absl::StrCat(" -n ", Quoted(absl::StrCat(in_group, "; and __fish_seen_subcommand_from ", command.name)));
      }
      flags(condition, command.flags);
      for (const PositionalSpec& positional : command.positionals) {
        if (positional.choices.empty()) continue;
        absl::StrAppend(&text, "complete -c tokenwatch", condition, " -a ",
                        Quoted(absl::StrJoin(positional.choices, " ")), "\n");
      }
    }
  }
  return text;
}

}  // namespace tokenwatch::cli

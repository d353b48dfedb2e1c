#include "cli/args.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "cli/catalogue.h"
#include "cli/completion.h"
#include "cli/endpoints.h"
#include "cli/exit_codes.h"
#include "cli/help.h"
#include "common/testing/temp_dir.h"

namespace tokenwatch::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<Invocation> Parse(const std::vector<std::string>& arguments) {
  return ParseArguments(TokenwatchCatalogue(), arguments);
}

std::string Error(const std::vector<std::string>& arguments) {
  const absl::StatusOr<Invocation> parsed = Parse(arguments);
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(parsed.status().message().data(), parsed.status().message().size());
}

TEST(ParseTest, ReadsFlagsInBothSpellingsAnywhereAfterTheCommand) {
  const auto parsed = Parse({"--json", "tokens", "list", "--limit=5", "--chain", "solana", "--timeout", "250ms"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->command->name, "list");
  EXPECT_TRUE(parsed->args.Has("json"));
  EXPECT_EQ(parsed->args.Number("limit", 1), 5U);
  EXPECT_EQ(parsed->args.Number("from", 9), 9U);
  EXPECT_EQ(parsed->args.Text("chain"), "solana");
  EXPECT_EQ(parsed->args.Duration("timeout", absl::ZeroDuration()), absl::Milliseconds(250));
}

TEST(ParseTest, RepeatsOnlyWhatMayBeRepeated) {
  const auto parsed = Parse({"trades", "tail", "--wallet", "a", "--wallet=b"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(parsed->args.Texts("wallet"), ElementsAre("a", "b"));
  EXPECT_EQ(Error({"trades", "tail", "--side", "buy", "--side", "sell"}), "--side is given more than once");
}

TEST(ParseTest, TakesWordsAfterTwoDashesAsTheyAre) {
  const auto parsed = Parse({"tokens", "search", "--", "--pepe"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(parsed->args.positionals(), ElementsAre("--pepe"));
}

TEST(ParseTest, NamesTheNearestMatch) {
  EXPECT_EQ(Error({"tokens", "list", "--pendign"}),
            "unknown flag --pendign for 'tokens list'; did you mean --pending?");
  EXPECT_EQ(Error({"token", "list"}), "unknown command token; did you mean tokens?");
  EXPECT_EQ(Error({"tokens", "lsit"}), "unknown command tokens lsit; did you mean list?");
  EXPECT_EQ(Error({"xyzzy"}), "unknown command xyzzy");
  EXPECT_EQ(Error({"resol"}), "unknown command resol; did you mean resolutions?");
}

TEST(ParseTest, SaysWhatAValueMustBe) {
  EXPECT_EQ(Error({"tokens", "list", "--limit", "0"}), "--limit is \"0\": it must be a number from 1 to 1000000");
  EXPECT_EQ(Error({"tokens", "list", "--limit", "-1"}), "--limit is \"-1\": it must be a number from 1 to 1000000");
  EXPECT_EQ(Error({"tokens", "watch", "--from", "18446744073709551616"}),
            "--from is \"18446744073709551616\": it must be a number of at least 0");
  EXPECT_EQ(Error({"trades", "tail", "--side", "up"}), "--side is \"up\": it must be one of buy, sell");
  EXPECT_EQ(Error({"status", "--timeout", "5"}),
            "--timeout is \"5\": it must be a duration from 1ms to 10m, such as 5s or 500ms");
  EXPECT_THAT(Error({"tokens", "get", "abc"}), HasSubstr("TOKEN is \"abc\": it must be <chain>:<address>"));
  EXPECT_THAT(Error({"tokens", "get", "solana:a b"}), HasSubstr("must be <chain>:<address>"));
  EXPECT_EQ(Error({"tokens", "list", "--chain"}), "--chain needs a value (CHAIN)");
  EXPECT_EQ(Error({"tokens", "list", "--pending=yes"}), "--pending takes no value");
  EXPECT_EQ(Error({"tokens", "list", "-n"}), "unknown flag -n for 'tokens list': flags start with --");
}

TEST(ParseTest, ChecksTheWhole) {
  EXPECT_THAT(Error({}), HasSubstr("no command given: one of tokens, trades"));
  EXPECT_EQ(Error({"tokens"}), "'tokens' needs a command: one of list, watch, get, search");
  EXPECT_THAT(Error({"tokens", "get"}), HasSubstr("'tokens get' needs TOKEN"));
  EXPECT_THAT(Error({"consumers", "register", "pricing"}), HasSubstr("needs CURSOR"));
  EXPECT_EQ(Error({"status", "now"}), "'status' does not take \"now\"");
  EXPECT_EQ(Error({"tokens", "list", "--pending", "--detected"}), "--pending and --detected exclude each other");
  EXPECT_EQ(Error({"trades", "tail", "--from", "3", "--from-head"}), "--from and --from-head exclude each other");
}

TEST(HelpTest, EveryCommandExplainsItself) {
  for (const GroupSpec& group : TokenwatchCatalogue().groups) {
    for (const CommandSpec& command : group.commands) {
      std::vector<std::string> arguments = {group.name};
      if (!command.name.empty()) arguments.push_back(command.name);
      arguments.push_back("--help");
      const auto parsed = Parse(arguments);
      ASSERT_TRUE(parsed.ok()) << parsed.status();
      const std::string help = HelpText(TokenwatchCatalogue(), *parsed);
      EXPECT_THAT(help, HasSubstr(command.summary));
      EXPECT_THAT(help, HasSubstr("Usage: tokenwatch " + group.name));
      for (const FlagSpec& flag : command.flags) {
        EXPECT_FALSE(flag.help.empty()) << flag.name;
        EXPECT_THAT(help, HasSubstr("  --" + flag.name));
      }
      for (const std::string& example : command.examples) EXPECT_THAT(help, HasSubstr(example));
      EXPECT_NE(command.run, nullptr);
    }
    const auto parsed = Parse({group.name, "-h"});
    ASSERT_TRUE(parsed.ok());
    EXPECT_THAT(HelpText(TokenwatchCatalogue(), *parsed), HasSubstr("Usage: tokenwatch " + group.name));
  }
}

TEST(HelpTest, TheProgramListsCommandsAndExitCodes) {
  const auto parsed = Parse({"--help"});
  ASSERT_TRUE(parsed.ok());
  const std::string help = HelpText(TokenwatchCatalogue(), *parsed);
  for (const char* part : {"tokens list", "trades tail", "quarantine redecode", "doctor", "--detector HOST:PORT",
                           "TOKENWATCH_ENDPOINTS", "NO_COLOR", " 64  ", " 69  ", "130  interrupted"}) {
    EXPECT_THAT(help, HasSubstr(part));
  }
}

TEST(ExitCodeTest, EveryStatusHasAMeaning) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCodeOf(absl::FailedPreconditionError("")), 1);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), 2);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), 64);
  EXPECT_EQ(ExitCodeOf(absl::OutOfRangeError("")), 64);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), 69);
  EXPECT_EQ(ExitCodeOf(absl::DataLossError("")), 70);
  EXPECT_EQ(ExitCodeOf(absl::ResourceExhaustedError("")), 75);
  EXPECT_EQ(ExitCodeOf(absl::DeadlineExceededError("")), 75);
  EXPECT_EQ(ExitCodeOf(absl::PermissionDeniedError("")), 77);
  EXPECT_EQ(ExitCodeOf(absl::UnauthenticatedError("")), 77);
}

// Writes `text` to a file of this process, which the destructor removes.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    char name[] = "/tmp/tokenwatch-cli-test-XXXXXX";
    const int descriptor = ::mkstemp(name);
    EXPECT_GE(descriptor, 0);
    std::FILE* file = ::fdopen(descriptor, "w");
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
    path_ = name;
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(CompletionTest, BashAcceptsTheScriptAndItOffersWhatThereIs) {
  const TemporaryFile script(BashCompletion(TokenwatchCatalogue()));
  EXPECT_EQ(std::system(absl::StrCat("bash -n ", script.path()).c_str()), 0);
  const auto offers = [&](const std::string& words, const std::string& expected) {
    const std::string command =
        absl::StrCat("bash -c 'source ", script.path(), "; COMP_WORDS=(tokenwatch ", words,
                     "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _tokenwatch; [[ \" ${COMPREPLY[*]} \" == *\" ",
                     expected, " \"* ]]'");
    EXPECT_EQ(std::system(command.c_str()), 0) << words;
  };
  offers("to", "tokens");
  offers("tokens wa", "watch");
  offers("tokens list --pe", "--pending");
  offers("--json trades tail --si", "--side");
  offers("trades tail --side se", "sell");
  offers("--detector localhost:1 consumers reg", "register");
  offers("completion z", "zsh");
  offers("tokens get solana:abc --js", "--json");
}

TEST(CompletionTest, EveryShellIsToldEveryCommandAndFlag) {
  for (const std::string& script : {BashCompletion(TokenwatchCatalogue()), ZshCompletion(TokenwatchCatalogue()),
                                    FishCompletion(TokenwatchCatalogue())}) {
    for (const GroupSpec& group : TokenwatchCatalogue().groups) {
      EXPECT_THAT(script, HasSubstr(group.name));
      for (const CommandSpec& command : group.commands) {
        EXPECT_THAT(script, HasSubstr(command.name));
        for (const FlagSpec& flag : command.flags) EXPECT_THAT(script, HasSubstr(flag.name));
      }
    }
  }
}

TEST(CompletionTest, ZshScriptIsQuotedLikeAScriptOfBash) {
  // The script's quoting and control structures are those that both shells share.
  const TemporaryFile script(ZshCompletion(TokenwatchCatalogue()));
  EXPECT_EQ(std::system(absl::StrCat("bash -n ", script.path()).c_str()), 0);
}

TEST(ParseTest, TimesAndLongDurations) {
  const absl::Time now = absl::FromUnixSeconds(1'783'000'000);
  const auto at = [&](const std::string& text) {
    const auto parsed = Parse({"price", "solana:M", "--at", text});
    return parsed.ok() ? parsed->args.Time("at", now) : std::nullopt;
  };
  const absl::Time time = absl::FromUnixSeconds(1'783'089'930);
  EXPECT_EQ(at("2026-07-03T14:45:30Z"), time);
  EXPECT_EQ(at("2026-07-03T16:45:30+02:00"), time);
  EXPECT_EQ(at("2026-07-03T14:45:30.5Z"), time + absl::Milliseconds(500));
  EXPECT_EQ(at("2026-07-03 14:45:30"), time);
  EXPECT_EQ(at("2026-07-03 14:45"), time - absl::Seconds(30));
  EXPECT_EQ(at("2026-07-03"), absl::FromUnixSeconds(1'783'036'800));
  EXPECT_EQ(at("-90s"), now - absl::Seconds(90));
  EXPECT_EQ(at("-7d"), now - absl::Hours(7 * 24));
  for (const char* bad : {"", "-", "yesterday", "-0s", "-1y", "-367d", "2026-13-01", "14:45", "--5s", "2026-07-03x"}) {
    EXPECT_EQ(at(bad), std::nullopt) << bad;
  }
  EXPECT_THAT(Error({"price", "solana:M", "--at", "soon"}), HasSubstr("--at is \"soon\": it must be a time in UTC"));
  EXPECT_EQ(Parse({"price", "solana:M", "--max-age", "36h"})->args.Duration("max-age", {}), absl::Hours(36));
  EXPECT_EQ(Parse({"price", "solana:M", "--max-age", "2d"})->args.Duration("max-age", {}), absl::Hours(48));
  EXPECT_THAT(Error({"price", "solana:M", "--max-age", "0.5s"}), HasSubstr("from 1s to 366d"));
  EXPECT_THAT(Error({"candles", "solana:M", "--plot", "--csv"}), HasSubstr("exclude each other"));
}

class EndpointsTest : public ::testing::Test {
 protected:
  absl::StatusOr<Endpoints> Find(const std::vector<std::string>& flags,
                                 const std::map<std::string, std::string>& variables) {
    std::vector<std::string> arguments = {"status"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return FindEndpoints(Parse(arguments)->args, [&](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
    });
  }
};

TEST_F(EndpointsTest, FlagBeatsVariableBeatsFileBeatsDefault) {
  EXPECT_EQ(Find({}, {})->detector, "127.0.0.1:7401");
  EXPECT_EQ(Find({}, {})->resolver, "127.0.0.1:7402");
  const TemporaryFile file(R"({"detector": "127.0.0.1:1", "pricing": "127.0.0.1:9"})");
  EXPECT_EQ(Find({}, {{"TOKENWATCH_ENDPOINTS", file.path()}})->detector, "127.0.0.1:1");
  EXPECT_EQ(Find({}, {{"TOKENWATCH_ENDPOINTS", file.path()}})->resolver, "127.0.0.1:7402");
  const std::map<std::string, std::string> both = {{"TOKENWATCH_ENDPOINTS", file.path()},
                                                   {"TOKENWATCH_DETECTOR", "h:2"}};
  EXPECT_EQ(Find({}, both)->detector, "h:2");
  EXPECT_EQ(Find({"--detector", "h:3"}, both)->detector, "h:3");
}

TEST_F(EndpointsTest, PricingIsExpectedWhereSomethingNamesIt) {
  const TemporaryFile with(R"({"detector": "127.0.0.1:1", "pricing": "127.0.0.1:9"})");
  const TemporaryFile without(R"({"detector": "127.0.0.1:1"})");
  EXPECT_EQ(Find({}, {})->pricing, "127.0.0.1:7404");
  EXPECT_FALSE(Find({}, {})->expects_pricing);
  EXPECT_FALSE(Find({}, {{"TOKENWATCH_ENDPOINTS", without.path()}})->expects_pricing);
  EXPECT_TRUE(Find({}, {{"TOKENWATCH_ENDPOINTS", with.path()}})->expects_pricing);
  EXPECT_EQ(Find({}, {{"TOKENWATCH_ENDPOINTS", with.path()}})->pricing, "127.0.0.1:9");
  EXPECT_TRUE(Find({}, {{"TOKENWATCH_PRICING", "h:2"}})->expects_pricing);
  EXPECT_EQ(Find({"--pricing", "h:3"}, {{"TOKENWATCH_PRICING", "h:2"}})->pricing, "h:3");
  EXPECT_TRUE(Find({"--pricing", "h:3"}, {})->expects_pricing);
}

TEST_F(EndpointsTest, TheWorkingDirectorysFileIsTakenWhereNoOtherIsNamed) {
  const common::TempDir folder;
  std::filesystem::create_directory(folder.path() / ".run");
  std::ofstream(folder.path() / ".run" / "endpoints.json") << R"({"detector": "127.0.0.1:5"})";
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  EXPECT_EQ(Find({}, {})->detector, "127.0.0.1:5");
  EXPECT_EQ(Find({}, {{"TOKENWATCH_ENDPOINTS", "/nonexistent/endpoints.json"}})->detector, "127.0.0.1:7401");
  std::filesystem::current_path(before);
}

TEST_F(EndpointsTest, AFileThatIsNotThereIsNoError_AFileThatIsWrongIs) {
  EXPECT_EQ(Find({}, {{"TOKENWATCH_ENDPOINTS", "/nonexistent/endpoints.json"}})->detector, "127.0.0.1:7401");
  for (const char* text : {"", "[]", "{\"detector\": 7401}", "{\"detector\":", "{\"resolver\": \"\"}"}) {
    const TemporaryFile file(text);
    EXPECT_EQ(Find({}, {{"TOKENWATCH_ENDPOINTS", file.path()}}).status().code(), absl::StatusCode::kInvalidArgument)
        << text;
  }
}

}  // namespace
}  // namespace tokenwatch::cli

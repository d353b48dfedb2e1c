#include <cstdint>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <unistd.h>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/time/time.h"
#include "common/config/check.h"
#include "common/config/exit.h"
#include "common/config/flags.h"
#include "common/config/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

ABSL_FLAG(int32_t, pool_size, 8, "connections");
ABSL_FLAG(bool, reflection, false, "serve reflection");
ABSL_FLAG(absl::Duration, drain_grace, absl::Seconds(5), "grace");
ABSL_FLAG(std::string, dsn, "", "connection string");

namespace tokenwatch::common {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class FlagsTest : public ::testing::Test {
 protected:
  absl::StatusOr<ParsedFlags> Parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "program");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    return ParseFlags(static_cast<int>(argv.size()), argv.data(), [this](const char* name) -> const char* {
      const auto found = environment_.find(name);
      return found == environment_.end() ? nullptr : found->second.c_str();
    });
  }

  std::map<std::string, std::string> environment_;

 private:
  absl::FlagSaver saver_;
};

TEST_F(FlagsTest, TakesEveryForm) {
  ASSERT_TRUE(Parse({"--pool_size=3", "--drain-grace", "250ms", "-reflection", "--dsn=a=b"}).ok());
  EXPECT_EQ(absl::GetFlag(FLAGS_pool_size), 3);
  EXPECT_EQ(absl::GetFlag(FLAGS_drain_grace), absl::Milliseconds(250));
  EXPECT_TRUE(absl::GetFlag(FLAGS_reflection));
  EXPECT_EQ(absl::GetFlag(FLAGS_dsn), "a=b");
  ASSERT_TRUE(Parse({"--noreflection"}).ok());
  EXPECT_FALSE(absl::GetFlag(FLAGS_reflection));
}

TEST_F(FlagsTest, TheEnvironmentSetsAndTheCommandLineWins) {
  environment_ = {{"TOKENWATCH_POOL_SIZE", "11"}, {"TOKENWATCH_REFLECTION", "true"}};
  ASSERT_TRUE(Parse({"--pool_size=12"}).ok());
  EXPECT_EQ(absl::GetFlag(FLAGS_pool_size), 12);
  EXPECT_TRUE(absl::GetFlag(FLAGS_reflection));
}

TEST_F(FlagsTest, MistakesNameTheirOrigin) {
  EXPECT_THAT(std::string(Parse({"--pool_size=many"}).status().message()),
              HasSubstr("--pool_size: \"many\" is not a value for this flag (connections); default: 8"));
  EXPECT_EQ(Parse({"--pool_sise=3"}).status().message(), "--pool_sise: no such flag: --help lists all");
  EXPECT_EQ(Parse({"--nopool_size"}).status().message(), "--nopool_size: no such flag: --help lists all");
  EXPECT_EQ(Parse({"--pool_size"}).status().message(), "--pool_size: the value is missing: --pool_size=VALUE");
  environment_ = {{"TOKENWATCH_DRAIN_GRACE", "5"}};
  const absl::Status status = Parse({}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("TOKENWATCH_DRAIN_GRACE: \"5\""));
}

TEST_F(FlagsTest, PositionalArgumentsAndHelp) {
  const auto parsed = Parse({"show", "--help", "-", "--", "--pool_size=9"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE(parsed->help);
  EXPECT_FALSE(parsed->version);
  EXPECT_THAT(parsed->positional, ElementsAre("show", "-", "--pool_size=9"));
  EXPECT_EQ(absl::GetFlag(FLAGS_pool_size), 8);
}

TEST_F(FlagsTest, HelpNamesFlagDefaultAndVariable) {
  const std::string help = FlagsHelp("what it does");
  EXPECT_THAT(help, HasSubstr("what it does"));
  EXPECT_THAT(help, HasSubstr("--drain_grace  grace\n      default: 5s   environment: TOKENWATCH_DRAIN_GRACE"));
}

TEST_F(FlagsTest, ChangedFlagsHideSecrets) {
  EXPECT_THAT(ChangedFlags(), IsEmpty());
  ASSERT_TRUE(Parse({"--pool_size=3", "--dsn=password=hunter2"}).ok());
  const auto changed = ChangedFlags();
  ASSERT_EQ(changed.size(), 2u);
  EXPECT_EQ(changed[0].name, "dsn");
  EXPECT_EQ(changed[0].value, "***");
  EXPECT_EQ(changed[1].name, "pool_size");
  EXPECT_EQ(changed[1].value, "3");
}

TEST(Check, NamesFlagValueAndRange) {
  EXPECT_TRUE(CheckRange("pool_size", 64, 1, 64).ok());
  EXPECT_EQ(CheckRange("pool_size", 65, 1, 64).message(), "--pool_size=65 is out of range: 1 to 64");
  EXPECT_FALSE(CheckRange("ratio", std::numeric_limits<double>::quiet_NaN(), 0, 1).ok());
  EXPECT_EQ(CheckRange("grace", absl::Minutes(6), absl::ZeroDuration(), absl::Minutes(5)).message(),
            "--grace=6m is out of range: 0 to 5m");
  EXPECT_TRUE(CheckPort("port", 0).ok());
  EXPECT_FALSE(CheckPort("port", 65536).ok());
  EXPECT_EQ(CheckNotEmpty("dsn_file", "").message(), "--dsn_file is required: give it, or set TOKENWATCH_DSN_FILE");
  EXPECT_EQ(CheckOneOf("mode", "c", {"a", "b"}).message(), "--mode=c is not one of: a, b");
  EXPECT_TRUE(CheckOneOf("mode", "b", {"a", "b"}).ok());
}

TEST(FirstError, IsTheFirst) {
  EXPECT_TRUE(FirstError({absl::OkStatus(), absl::OkStatus()}).ok());
  EXPECT_EQ(FirstError({absl::OkStatus(), absl::InternalError("a"), absl::InternalError("b")}).message(), "a");
}

class SecretTest : public ::testing::Test {
 protected:
  ~SecretTest() override { ::unlink(path_.c_str()); }
  absl::StatusOr<std::string> Read(const std::string& content) {
    std::ofstream(path_, std::ios::binary) << content;
    return ReadSecretFile(path_);
  }
  const std::string path_ = ::testing::TempDir() + "secret_" + std::to_string(::getpid());
};

TEST_F(SecretTest, IsTrimmed) { EXPECT_EQ(*Read("  hunter 2\n\n"), "hunter 2"); }

TEST_F(SecretTest, RefusesWhatCannotBeASecretWithoutRepeatingIt) {
  EXPECT_THAT(std::string(Read(" \n").status().message()), HasSubstr("is empty"));
  const std::string large(kMaxSecretBytes + 1, 'x');
  EXPECT_THAT(std::string(Read(large).status().message()), HasSubstr("is larger than 65536 bytes"));
  EXPECT_TRUE(Read(large.substr(1)).ok());
  const absl::Status zero = Read(std::string("hunter\0two", 10)).status();
  EXPECT_THAT(std::string(zero.message()), HasSubstr("zero byte"));
  EXPECT_THAT(std::string(zero.message()), Not(HasSubstr("hunter")));
}

TEST_F(SecretTest, RefusesADirectory) {
  const absl::Status status = ReadSecretFile(::testing::TempDir()).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("is a directory"));
}

TEST_F(SecretTest, AMissingFileIsNotFoundAndADirectoryAnError) {
  EXPECT_EQ(ReadSecretFile("/nonexistent/secret").status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(ReadSecretFile("/").ok());
}

TEST(ExitCodeFor, MapsEveryKind) {
  EXPECT_EQ(ExitCodeFor(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCodeFor(absl::InvalidArgumentError("")), 64);
  EXPECT_EQ(ExitCodeFor(absl::UnavailableError("")), 69);
  EXPECT_EQ(ExitCodeFor(absl::InternalError("")), 70);
  EXPECT_EQ(ExitCodeFor(absl::NotFoundError("")), 74);
  EXPECT_EQ(ExitCodeFor(absl::FailedPreconditionError("")), 78);
}

TEST(DieDeathTest, PrintsOneLineAndExitsWithTheCode) {
  EXPECT_EXIT(Die("program", absl::FailedPreconditionError("wrong\ndatabase")), ::testing::ExitedWithCode(78),
              "^program: wrong database\n$");
}

}  // namespace
}  // namespace tokenwatch::common

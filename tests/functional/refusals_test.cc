// What is wrong from the start is said in one clear line, with an exit code that means something.
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/testing/wait_for.h"
#include "tests/functional/harness.h"
#include "tests/functional/plain_lines.h"
#include "tests/functional/recordings.h"
#include "tests/functional/tables.h"

namespace tokenwatch::functional {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int kUsage = 64;
constexpr int kUnavailable = 69;
constexpr int kIo = 74;
constexpr int kConfiguration = 78;

class RefusalsTest : public ::testing::Test {
 protected:
  std::string Dsn(absl::string_view database, absl::string_view role = "detector") {
    return absl::StrCat("--dsn=", platform_.cluster().Dsn(database, role));
  }
  // The program ends with `code` and one line that holds all of `words`.
  void ExpectRefusal(std::vector<std::string> flags, int code, const std::vector<std::string>& words) {
    const Ending ending = platform_.RunDetector(std::move(flags), absl::Seconds(30));
    EXPECT_EQ(ending.code, code) << ending.errors;
    const std::vector<std::string> lines = PlainLines(ending.errors);
    ASSERT_EQ(lines.size(), 1u) << ending.errors;
    EXPECT_THAT(lines[0], StartsWith("detector: "));
    for (const std::string& word : words) EXPECT_THAT(lines[0], HasSubstr(word));
  }

  Platform platform_;
};

TEST_F(RefusalsTest, MissingOrWrongFlagsAreUsageErrors) {
  ASSERT_TRUE(platform_.ok());
  ExpectRefusal({}, kUsage, {"--dsn_file", "missing"});
  ExpectRefusal({Dsn("platform"), "--feeds=recording"}, kUsage, {"recording"});
  ExpectRefusal({Dsn("platform"), "--feeds=nosuch"}, kUsage, {"feeds", "nosuch"});
  ExpectRefusal({Dsn("platform"), "--nosuch=1"}, kUsage, {"nosuch"});
  ExpectRefusal({Dsn("platform"), "--db_connections=0"}, kUsage, {"db_connections", "0"});
  ExpectRefusal({Dsn("platform"), "--exit_after_recording"}, kUsage, {"--exit_after_recording", "--feeds=recording"});
}

TEST_F(RefusalsTest, AMissingSecretFileIsNamed) {
  ASSERT_TRUE(platform_.ok());
  ExpectRefusal({"--dsn_file=/nonexistent/dsn"}, kIo, {"/nonexistent/dsn"});
}

TEST_F(RefusalsTest, WrongDatabaseIsRefusedAndLeftUntouched) {
  ASSERT_TRUE(platform_.ok());
  // The schema is there, so only the name tells that this is not the place.
  platform_.AddDatabase("elsewhere");
  ExpectRefusal({Dsn("elsewhere"), "--expected_database=platform"}, kConfiguration, {"elsewhere", "platform"});
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM pg_tables WHERE schemaname = 'detector'", "elsewhere"), 0);
  // The user database has no schema of this service, which may not make one there.
  ExpectRefusal({Dsn("users")}, kConfiguration, {"\"users\"", "--dsn", "the platform database"});
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM pg_namespace WHERE nspname = 'detector'", "users"), 0);
}

TEST_F(RefusalsTest, WrongRoleIsRefused) {
  ASSERT_TRUE(platform_.ok());
  ExpectRefusal({Dsn("platform", "resolver")}, kConfiguration, {"\"resolver\"", "detector", "\"platform\""});
  platform_.Replay(ProgramLogs());
  const Tables before = DumpTables(platform_.cluster(), "platform");
  ExpectRefusal({Dsn("platform", "resolver")}, kConfiguration, {"\"resolver\"", "detector", "\"platform\""});
  ExpectSameTables(before, DumpTables(platform_.cluster(), "platform"));
}

TEST_F(RefusalsTest, AMissingTableOrColumnIsNamed) {
  ASSERT_TRUE(platform_.ok());
  platform_.Replay(ProgramLogs());
  ASSERT_TRUE(platform_.cluster().Query("platform", "ALTER TABLE detector.consumers RENAME TO consumers_gone").ok());
  ExpectRefusal({Dsn("platform")}, kConfiguration, {"detector.consumers", "missing", "platform"});
  ASSERT_TRUE(platform_.cluster().Query("platform", "ALTER TABLE detector.consumers_gone RENAME TO consumers").ok());
  ASSERT_TRUE(platform_.cluster().Query("platform", "ALTER TABLE detector.trades RENAME slot TO slots").ok());
  ExpectRefusal({Dsn("platform")}, kConfiguration, {"detector.trades", "slot", "platform"});
  ASSERT_TRUE(platform_.cluster().Query("platform", "ALTER TABLE detector.trades RENAME slots TO slot").ok());
  const auto detector = platform_.StartDetector();
  ASSERT_NE(detector, nullptr);
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM detector.trades"), 61) << "something was lost on the way";
}

TEST_F(RefusalsTest, ABusyPortIsUnavailable) {
  ASSERT_TRUE(platform_.ok());
  const int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const absl::Cleanup close_it = [taken] { close(taken); };
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(taken, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(taken, 1), 0);
  ASSERT_EQ(getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string port = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  // The last of equal flags holds.
  ExpectRefusal({Dsn("platform"), "--http_listen=" + port}, kUnavailable, {port});
  ExpectRefusal({Dsn("platform"), "--listen=" + port}, kUnavailable, {port});
}

TEST_F(RefusalsTest, AnUnreadableRecordingIsNamed) {
  ASSERT_TRUE(platform_.ok());
  ExpectRefusal(ReplayFlags("/nonexistent/session.jsonl", {Dsn("platform")}), kIo, {"/nonexistent/session.jsonl"});
  ExpectRefusal(ReplayFlags(platform_.dir(), {Dsn("platform")}), kIo, {platform_.dir()});
}

TEST_F(RefusalsTest, ADatabaseThatIsNotThereYetIsWaitedFor) {
  ASSERT_TRUE(platform_.ok());
  ASSERT_TRUE(platform_.cluster().Stop().ok());
  const auto detector = platform_.Launch("tokenwatch-detector", {Dsn("platform")});
  ASSERT_NE(detector, nullptr);
  ASSERT_TRUE(common::WaitFor([&] {
    detector->FindPorts();
    return detector->Http("/readyz").find("database: ") != std::string::npos;
  }));
  EXPECT_THAT(detector->Http("/readyz"), HasSubstr(" 503 "));
  EXPECT_THAT(detector->Http("/healthz"), HasSubstr(" 200 "));
  ASSERT_TRUE(platform_.cluster().StartAgain().ok());
  EXPECT_TRUE(platform_.AwaitReady(*detector));
}

}  // namespace
}  // namespace tokenwatch::functional

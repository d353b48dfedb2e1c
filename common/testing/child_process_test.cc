#include "common/testing/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "common/testing/temp_dir.h"
#include "common/testing/wait_for.h"

namespace tokenwatch::common {
namespace {

ChildProcess::Options Shell(const TempDir& dir, const std::string& script) {
  ChildProcess::Options options;
  options.command = {"sh", "-c", script};
  options.stdout_file = dir.path() / "out";
  options.stderr_file = dir.path() / "err";
  return options;
}

TEST(ChildProcessTest, GivesOutputAndExitCode) {
  const TempDir dir;
  auto options = Shell(dir, "echo \"$GREETING $0\"; echo oops >&2; pwd; exit 7");
  options.environment = {{"GREETING", "hello"}};
  options.directory = dir.path();
  auto child = ChildProcess::Start(options);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ((*child)->Wait(absl::Seconds(10)), 7);
  EXPECT_EQ((*child)->Stdout(), "hello sh\n" + dir.path().string() + "\n");
  EXPECT_EQ((*child)->Stderr(), "oops\n");
  EXPECT_FALSE((*child)->Signal(SIGTERM)) << "a signal to a process that has ended";
}

TEST(ChildProcessTest, SignalsAndDeadlines) {
  const TempDir dir;
  auto child = ChildProcess::Start(Shell(dir, "trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done"));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(WaitFor([&] { return (*child)->Stdout() == "ready\n"; }));
  EXPECT_EQ((*child)->Wait(absl::Milliseconds(5)), std::nullopt);
  EXPECT_TRUE((*child)->Signal(SIGTERM));
  EXPECT_EQ((*child)->Wait(absl::Seconds(10)), 3);

  auto killed = ChildProcess::Start(Shell(dir, "exec sleep 100"));
  ASSERT_TRUE(killed.ok()) << killed.status();
  (*killed)->Kill();
  EXPECT_EQ((*killed)->Wait(absl::ZeroDuration()), 128 + SIGKILL);
}

TEST(ChildProcessTest, DestructorEndsIt) {
  const TempDir dir;
  auto child = ChildProcess::Start(Shell(dir, "exec sleep 100"));
  ASSERT_TRUE(child.ok()) << child.status();
  const pid_t pid = (*child)->pid();
  EXPECT_EQ(kill(pid, 0), 0);
  child->reset();
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST(ChildProcessTest, DiesWithItsParent) {
  const TempDir dir;
  // A process between us and the child: when it is killed, the child must go too.
  const std::string pid_file = dir.path() / "pid";
  const pid_t between = fork();
  ASSERT_GE(between, 0);
  if (between == 0) {
    auto child = ChildProcess::Start(
        Shell(dir, "echo $$ > " + pid_file + ".new && mv " + pid_file + ".new " + pid_file + "; exec sleep 100"));
    pause();
    _exit(child.ok() ? 0 : 1);
  }
  ASSERT_TRUE(WaitFor([&] { return !ReadFile(pid_file).empty(); }));
  const pid_t pid = std::stoi(ReadFile(pid_file));
  kill(between, SIGKILL);
  EXPECT_TRUE(WaitFor([&] {
    const std::string stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
    return stat.empty() || stat.find(") Z ") != std::string::npos;
  }));
}

TEST(RunProcessTest, FailsAtTheLimitAndForWhatIsNotThere) {
  const TempDir dir;
  EXPECT_EQ(*RunProcess(Shell(dir, "exit 4"), absl::Seconds(10)), 4);
  EXPECT_EQ(RunProcess(Shell(dir, "exec sleep 100"), absl::Milliseconds(20)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  auto missing = Shell(dir, "");
  missing.command = {dir.path() / "missing"};
  EXPECT_EQ(*RunProcess(missing, absl::Seconds(10)), 127);
}

}  // namespace
}  // namespace tokenwatch::common

// The program as a process: what a signal and a reader that goes away do to it.
#include <array>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "cli/testing/fake_services.h"

namespace tokenwatch::cli {
namespace {

// tokenwatch with its output in pipes. Ends it in the destructor, should it still run.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments) {
    const char* binary_dir = std::getenv("TOKENWATCH_BINARY_DIR");
    const std::string program = absl::StrCat(binary_dir == nullptr ? "." : binary_dir, "/bin/tokenwatch");
    std::vector<std::string> words = {program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    EXPECT_EQ(::pipe2(out_.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(err_.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out_[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err_[1], STDERR_FILENO);
    EXPECT_EQ(::posix_spawn(&id_, program.c_str(), &actions, nullptr, argv.data(), environ), 0) << program;
    posix_spawn_file_actions_destroy(&actions);
    ::close(out_[1]);
    ::close(err_[1]);
  }
  ~Process() {
    if (id_ > 0) {
      ::kill(id_, SIGKILL);
      Wait();
    }
    CloseOutput();
    ::close(err_[0]);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Reads the output up to the end of a line.
  std::string ReadLine() {
    std::string line;
    char c = 0;
    while (::read(out_[0], &c, 1) == 1) {
      line.push_back(c);
      if (c == '\n') break;
    }
    return line;
  }
  std::string ReadErrors() {
    std::string text;
    std::array<char, 512> buffer;
    for (ssize_t count = 0; (count = ::read(err_[0], buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<size_t>(count));
    }
    return text;
  }
  void CloseOutput() {
    if (out_[0] >= 0) ::close(out_[0]);
    out_[0] = -1;
  }
  void Signal(int number) { ::kill(id_, number); }
  // The exit code, or minus the signal that ended it.
  int Wait() {
    int status = 0;
    ::waitpid(id_, &status, 0);
    id_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t id_ = -1;
  std::array<int, 2> out_ = {-1, -1};
  std::array<int, 2> err_ = {-1, -1};
};

class ProcessTest : public ::testing::Test {
 protected:
  ProcessTest() {
    detector::v1::Trade& trade = server_.detector.trades.emplace_back();
    trade.set_cursor(1);
    trade.set_transaction("Tx1");
    server_.detector.Synchronize();
  }
  FakeServer server_;
};

TEST_F(ProcessTest, CtrlCEndsAStreamWith130) {
  for (const int number : {SIGINT, SIGTERM}) {
    Process process({"trades", "tail", "--json", "--detector", server_.address()});
    EXPECT_NE(process.ReadLine().find("\"transaction\":\"Tx1\""), std::string::npos);
    process.Signal(number);
    EXPECT_EQ(process.Wait(), 130);
    EXPECT_EQ(process.ReadErrors(), "");
  }
}

TEST_F(ProcessTest, AReaderThatGoesAwayEndsItQuietlyEvenWhenNothingComes) {
  Process process({"trades", "tail", "--json", "--detector", server_.address()});
  EXPECT_NE(process.ReadLine(), "");
  // No further trade ever comes: only the closed pipe itself can tell.
  process.CloseOutput();
  EXPECT_EQ(process.Wait(), 0);
  EXPECT_EQ(process.ReadErrors(), "");
}

TEST_F(ProcessTest, PipedTablesHaveNoColour) {
  Process process({"trades", "tail", "--until-head", "--detector", server_.address()});
  EXPECT_NE(process.ReadLine().find("CURSOR  TIME"), std::string::npos);
  EXPECT_EQ(process.ReadLine().find('\x1b'), std::string::npos);
  EXPECT_EQ(process.Wait(), 0);
}

}  // namespace
}  // namespace tokenwatch::cli

// The life of a real process, from its start to the end of its drain: runs test_program.cc.
#include "common/app/service_runner.h"

#include <cstdio>
#include <fstream>
#include <future>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "boost/json.hpp"
#include "common/app/http_client_for_test.h"
#include "common/rpc/channel.h"
#include "common/rpc/client_call.h"
#include "echo.grpc.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

using testdata::EchoService;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Program {
 public:
  explicit Program(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), APP_TEST_PROGRAM);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    int fds[2];
    if (::pipe(fds) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(fds[1], STDOUT_FILENO);
      ::dup2(fds[1], STDERR_FILENO);
      ::close(fds[0]);
      ::close(fds[1]);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(fds[1]);
    output_ = ::fdopen(fds[0], "r");
  }
  ~Program() {
    if (!waited_) {
      ::kill(pid_, SIGKILL);
      Wait();
    }
    std::fclose(output_);
  }

  // The next line with `text` in it; everything before is skipped (but kept in skipped()). Empty at the end of output.
  std::string Line(const std::string& text) {
    char buffer[16384];
    while (std::fgets(buffer, sizeof(buffer), output_) != nullptr) {
      const std::string line = buffer;
      if (line.find(text) != std::string::npos) return line;
      skipped_ += line;
    }
    return "";
  }
  int Port(const std::string& message, const std::string& key) {
    const std::string line = Line("\"message\":\"" + message + "\"");
    return line.empty() ? 0 : static_cast<int>(boost::json::parse(line).as_object().at(key).as_int64());
  }
  // Waits for "serving".
  void Serving() {
    const auto line = boost::json::parse(Line("\"message\":\"serving\"")).as_object();
    grpc_port_ = static_cast<int>(line.at("grpc_port").as_int64());
    http_port_ = static_cast<int>(line.at("http_port").as_int64());
  }
  void Signal(int signal) const { ::kill(pid_, signal); }
  // The exit code; 1000 + signal when a signal ended it.
  int Wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    waited_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  absl::Status Echo(const std::string& text, std::string* answer = nullptr) const {
    const auto stub = EchoService::NewStub(MakeChannel({.target = absl::StrCat("127.0.0.1:", grpc_port_)}));
    testdata::EchoRequest request;
    request.set_text(text);
    testdata::EchoResponse response;
    absl::Status status = CallUnary({}, {.timeout = absl::Seconds(60)}, [&](grpc::ClientContext& context) {
      return stub->Echo(&context, request, &response);
    });
    if (answer != nullptr) *answer = response.text();
    return status;
  }

  int http_port() const { return http_port_; }
  int grpc_port() const { return grpc_port_; }
  const std::string& skipped() const { return skipped_; }

 private:
  pid_t pid_ = -1;
  std::FILE* output_ = nullptr;
  std::string skipped_;
  bool waited_ = false;
  int grpc_port_ = 0;
  int http_port_ = 0;
};

std::string Slurp(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string TemporaryPath(const std::string& name) { return absl::StrCat(::testing::TempDir(), name, "_", ::getpid()); }

TEST(ServiceRunner, ServesAndDrainsOnSigterm) {
  const std::string port_file = TemporaryPath("ports");
  Program program({"--port_file=" + port_file});
  program.Serving();
  EXPECT_EQ(Slurp(port_file),
            absl::StrCat("{\"pid\":", boost::json::parse(Slurp(port_file)).at("pid").as_int64(),
                         ",\"http\":", program.http_port(), ",\"grpc\":", program.grpc_port(), "}\n"));
  ::unlink(port_file.c_str());
  std::string answer;
  EXPECT_TRUE(program.Echo("hello", &answer).ok());
  EXPECT_EQ(answer, "hello");
  EXPECT_THAT(HttpGet(program.http_port(), "/healthz"), EndsWith("alive\n"));
  EXPECT_THAT(HttpGet(program.http_port(), "/readyz"), EndsWith("ready\n"));
  const std::string metrics = HttpGet(program.http_port(), "/metrics");
  EXPECT_THAT(metrics, HasSubstr("grpc_server_handled_total{grpc_code=\"OK\",grpc_method=\"Echo\","
                                 "grpc_service=\"tokenwatch.testdata.EchoService\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("executor_queue_depth{executor=\"rpc\"} 0"));
  EXPECT_THAT(metrics, HasSubstr("process_open_fds "));
  program.Signal(SIGTERM);
  EXPECT_NE(program.Line("step one"), "");
  EXPECT_NE(program.Line("step two"), "");
  EXPECT_NE(program.Line("drained"), "");
  EXPECT_EQ(program.Wait(), 0);
}

TEST(ServiceRunner, ACallUnderWayIsAnsweredBeforeTheEnd) {
  Program program({});
  program.Serving();
  std::string answer;
  std::future<absl::Status> call = std::async(std::launch::async, [&] { return program.Echo("hold", &answer); });
  ASSERT_NE(program.Line("call running"), "");
  program.Signal(SIGTERM);
  EXPECT_TRUE(call.get().ok());
  EXPECT_EQ(answer, "hold");
  EXPECT_EQ(program.Wait(), 0);
}

TEST(ServiceRunner, DuringTheGraceItServesButSaysThatItIsNotReady) {
  Program program({"--drain_grace=4m"});
  program.Serving();
  program.Signal(SIGINT);
  ASSERT_NE(program.Line("signal, draining"), "");
  std::string ready;
  // The probe may overtake the main thread by a moment.
  while (ready.find(" 503 ") == std::string::npos) ready = HttpGet(program.http_port(), "/readyz");
  EXPECT_THAT(ready, EndsWith("start: the service is draining\n"));
  EXPECT_TRUE(program.Echo("still here").ok());
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Wait(), 128 + SIGTERM);
}

TEST(ServiceRunner, AStuckStepIsNamedAndEnded) {
  Program program({"--stuck_step", "--drain_deadline=0", "--drain_margin=20ms"});
  program.Serving();
  program.Signal(SIGTERM);
  EXPECT_THAT(program.Line("the drain is stuck"), HasSubstr("\"step\":\"second step\""));
  EXPECT_EQ(program.Wait(), kExitInternal);
}

TEST(ServiceRunner, ALostCallIsEndedByTheWatchdog) {
  Program program({"--lose_calls", "--drain_deadline=10ms", "--drain_margin=20ms"});
  program.Serving();
  std::future<absl::Status> call = std::async(std::launch::async, [&] { return program.Echo("lost"); });
  ASSERT_NE(program.Line("call lost"), "");
  program.Signal(SIGTERM);
  EXPECT_THAT(program.Line("the drain is stuck"), HasSubstr("\"step\":\"calls\""));
  EXPECT_EQ(program.Wait(), kExitInternal);
  EXPECT_FALSE(call.get().ok());
}

TEST(ServiceRunner, WaitsVisiblyForWhatItNeeds) {
  const std::string awaited = TemporaryPath("awaited");
  Program program({"--wait_for_file=" + awaited});
  const int http_port = program.Port("http", "http_port");
  ASSERT_NE(program.Line("\"message\":\"waiting\""), "");
  EXPECT_THAT(HttpGet(http_port, "/healthz"), StartsWith("HTTP/1.1 200 "));
  const std::string ready = HttpGet(http_port, "/readyz");
  EXPECT_THAT(ready, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(ready, HasSubstr("file: " + awaited + " is not there yet"));
  std::ofstream(awaited).put('x');
  program.Serving();
  ::unlink(awaited.c_str());
  EXPECT_THAT(HttpGet(http_port, "/readyz"), StartsWith("HTTP/1.1 200 "));
}

TEST(ServiceRunner, SigtermEndsTheWaitAtOnce) {
  Program program({"--wait_for_file=/nonexistent/file", "--drain_grace=5m"});
  ASSERT_NE(program.Line("\"message\":\"waiting\""), "");
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Wait(), 0);
}

TEST(ServiceRunner, WhatCannotBeWaitedOutEndsTheStart) {
  Program program({"--wrong_database"});
  EXPECT_EQ(program.Line("echo: "), "echo: this is the wrong database\n");
  EXPECT_EQ(program.Wait(), kExitConfiguration);
}

TEST(ServiceRunner, ABusyPortIsOneLineAndAnExitCode) {
  Program first({});
  first.Serving();
  for (const auto& [flag, port] : {std::pair("--grpc_port=", first.grpc_port()), {"--http_port=", first.http_port()}}) {
    Program second({absl::StrCat(flag, port)});
    EXPECT_THAT(second.Line("echo: "),
                AllOf(HasSubstr(absl::StrCat("127.0.0.1:", port)), HasSubstr("Address already in use")));
    EXPECT_EQ(second.Wait(), kExitUnavailable);
    EXPECT_EQ(second.skipped().find("\"severity\":\"ERROR\""), std::string::npos);
  }
}

TEST(ServiceRunner, MistakesInFlagsAreUsageErrors) {
  Program unknown({"--no_such_flag=1"});
  EXPECT_EQ(unknown.Line("echo: "), "echo: --no_such_flag: no such flag: --help lists all\n");
  EXPECT_EQ(unknown.Wait(), kExitUsage);
  Program range({"--grpc_port=70000"});
  EXPECT_EQ(range.Line("echo: "), "echo: --grpc_port=70000 is out of range: 0 to 65535\n");
  EXPECT_EQ(range.Wait(), kExitUsage);
}

TEST(ServiceRunner, AnswersHelpAndVersion) {
  Program help({"--help"});
  EXPECT_NE(help.Line("TOKENWATCH_GRPC_PORT"), "");
  EXPECT_EQ(help.Wait(), 0);
  Program version({"--version"});
  EXPECT_EQ(version.Line("echo"), absl::StrCat("echo ", BuildVersion(), "\n"));
  EXPECT_EQ(version.Wait(), 0);
}

}  // namespace
}  // namespace tokenwatch::common

// A service for service_runner_test, with ways to misbehave.
#include <latch>
#include <memory>
#include <string>

#include <unistd.h>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "common/app/service_runner.h"
#include "common/log/log.h"
#include "common/rpc/run_on_executor.h"
#include "common/sync/stop.h"
#include "echo.grpc.pb.h"

ABSL_FLAG(int32_t, grpc_port, 0, "port of gRPC, 0 for any");
ABSL_FLAG(int32_t, http_port, 0, "port of metrics and probes, 0 for any");
ABSL_FLAG(std::string, port_file, "", "file for the bound ports");
ABSL_FLAG(absl::Duration, drain_grace, absl::ZeroDuration(), "how long to serve after SIGTERM");
ABSL_FLAG(absl::Duration, drain_deadline, absl::Seconds(30), "how long calls may take to end");
ABSL_FLAG(absl::Duration, drain_margin, absl::Seconds(30), "how long until the watchdog");
ABSL_FLAG(std::string, wait_for_file, "", "do not serve before this file exists");
ABSL_FLAG(bool, wrong_database, false, "fail the start for good");
ABSL_FLAG(bool, stuck_step, false, "have a step of the drain that never ends");
ABSL_FLAG(bool, lose_calls, false, "never finish a call");

namespace tokenwatch::common {
namespace {

// Echoes; "hold" is answered only when the process is told to stop.
class Service final : public testdata::EchoService::CallbackService {
 public:
  Service(Executor& executor, std::stop_token stop) : executor_(executor), stop_(std::move(stop)) {}

  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context, const testdata::EchoRequest* request,
                                 testdata::EchoResponse* response) override {
    if (absl::GetFlag(FLAGS_lose_calls)) {
      Log(Severity::kInfo, "call lost");
      return context->DefaultReactor();
    }
    return RunOnExecutor(executor_, context, [=, this](const CallInfo&) {
      Log(Severity::kInfo, "call running");
      if (request->text() == "hold") SleepUnlessStopped(stop_, absl::Minutes(1));
      response->set_text(request->text());
      return absl::OkStatus();
    });
  }

 private:
  Executor& executor_;
  const std::stop_token stop_;
};

absl::Status FileExists(const std::string& path) {
  if (absl::GetFlag(FLAGS_wrong_database)) return absl::FailedPreconditionError("this is the wrong database");
  if (path.empty() || ::access(path.c_str(), F_OK) == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(path, " is not there yet"));
}

int Main(int argc, char** argv) {
  StartProgram("echo", "Answers what it is told.", argc, argv);
  const RunnerOptions options = {
      .service = "echo",
      .grpc = {.address = "127.0.0.1", .port = absl::GetFlag(FLAGS_grpc_port)},
      .http = {.address = "127.0.0.1", .port = absl::GetFlag(FLAGS_http_port)},
      .port_file = absl::GetFlag(FLAGS_port_file),
      .drain_grace = absl::GetFlag(FLAGS_drain_grace),
      .drain_deadline = absl::GetFlag(FLAGS_drain_deadline),
      .drain_margin = absl::GetFlag(FLAGS_drain_margin),
  };
  OrDie("echo", options.Validate());
  const auto runner = OrDie("echo", ServiceRunner::Start(options));
  Log(Severity::kInfo, "http", {{"http_port", runner->http_port()}});
  Executor& executor = runner->AddExecutor({.name = "rpc", .threads = 2, .queue_capacity = 8});
  const absl::Status status = runner->WaitUntil("file", [] { return FileExists(absl::GetFlag(FLAGS_wait_for_file)); });
  if (!status.ok()) return runner->GiveUp(status);
  Service service(executor, runner->stop_token());
  runner->OnDrain("first step", [] { Log(Severity::kInfo, "step one"); });
  runner->OnDrain("second step", [] {
    Log(Severity::kInfo, "step two");
    if (absl::GetFlag(FLAGS_stuck_step)) std::latch(1).wait();
  });
  OrDie("echo", runner->Serve({&service}, {testdata::EchoService::service_full_name()}));
  return runner->Run();
}

}  // namespace
}  // namespace tokenwatch::common

int main(int argc, char** argv) { return tokenwatch::common::Main(argc, argv); }

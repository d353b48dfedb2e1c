// The life of a service process, so that a main only wires its parts:
//
//   int main(int argc, char** argv) {
//     StartProgram("echo", "Answers with what it is told.", argc, argv);    // signals, flags, log
//     RunnerOptions options = {.service = "echo", .grpc = {.port = absl::GetFlag(FLAGS_grpc_port)}, ...};
//     OrDie("echo", options.Validate());
//     auto runner = OrDie("echo", ServiceRunner::Start(options));           // /healthz answers, /readyz says what is
//     awaited Executor& executor = runner->AddExecutor({.name = "rpc", .threads = 8, .queue_capacity = 256});
//     std::unique_ptr<Store> store;
//     absl::Status status = runner->WaitUntil("database", [&] { return Store::Open(config, store); });
//     if (!status.ok()) return runner->GiveUp(status);
//     EchoServiceImpl service(*store, executor);
//     Loop loop(*store, runner->metrics());
//     runner->OnDrain("loop", [&] { loop.Stop(); });
//     OrDie("echo", runner->Serve({&service}, {EchoService::service_full_name()}));
//     return runner->Run();
//   }
//
// Objects made after the runner are destroyed before it, with the server already shut down.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/app/grpc_server.h"
#include "common/app/http_endpoint.h"
#include "common/app/readiness.h"
#include "common/app/signals.h"
#include "common/app/watchdog.h"
#include "common/config/exit.h"
#include "common/metrics/executor_metrics.h"
#include "common/metrics/process_metrics.h"
#include "common/metrics/registry.h"
#include "common/rpc/rpc_metrics.h"
#include "common/sync/executor.h"
#include "grpcpp/impl/service_type.h"

namespace tokenwatch::common {

struct RunnerOptions {
  std::string service = {};  // in log lines and fatal messages
  GrpcServerOptions grpc = {};
  HttpEndpointOptions http = {};
  std::string port_file = {};                         // empty: none; see port_file.h
  absl::Duration drain_grace = absl::Seconds(5);      // still serving, so that callers can notice
  absl::Duration drain_deadline = absl::Seconds(20);  // for calls and queued work to end
  absl::Duration drain_margin = absl::Seconds(5);     // beyond both, before the watchdog ends the process

  // INVALID_ARGUMENT names the flag after which main should have named the field.
  absl::Status Validate() const;
};

// The first lines of every main: blocks the signals, parses the flags (see config/flags.h), answers --help and
// --version, starts the log and tells the changed flags. Ends the process on a mistake. Returns the arguments that are
// not flags.
std::vector<std::string> StartProgram(const std::string& service, absl::string_view usage, int argc, char* const* argv);

// The value, or the end of the process by Die.
template <typename T>
T OrDie(absl::string_view service, absl::StatusOr<T> result) {
  if (!result.ok()) Die(service, result.status());
  return *std::move(result);
}
inline void OrDie(absl::string_view service, const absl::Status& status) {
  if (!status.ok()) Die(service, status);
}

// Used by main's thread; metrics, readiness and std::stop_token are for every thread. One per process.
class ServiceRunner {
 public:
  // Starts the HTTP endpoint (/metrics, /healthz, /readyz) and begins to listen to signals.
  static absl::StatusOr<std::unique_ptr<ServiceRunner>> Start(const RunnerOptions& options);
  ~ServiceRunner();

  MetricRegistry& metrics() { return metrics_; }
  Readiness& readiness() { return readiness_; }
  int http_port() const { return http_->port(); }
  int grpc_port() const { return grpc_ == nullptr ? 0 : grpc_->port(); }  // 0 before Serve

  // Requested when the drain's grace is over: loops end then.
  std::stop_token stop_token() const { return stop_.get_token(); }

  // An executor that is drained after the last call has ended, with its metrics.
  Executor& AddExecutor(Executor::Options options);

  // For what this process needs to begin: calls `attempt` until it succeeds, pausing with backoff, and tells /readyz
  // why it waits. UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED and ABORTED are waited out; any other error is
  // returned, and CANCELLED when a signal came.
  absl::Status WaitUntil(const std::string& condition, absl::FunctionRef<absl::Status()> attempt);

  // For a status that ends the start: 0 when a signal was the reason, otherwise does not return but ends by Die.
  int GiveUp(const absl::Status& status);

  // Registers a step of the drain, called on main's thread after the grace and before the server is shut down, in the
  // order of registration. It must end within the drain deadline.
  void OnDrain(std::string name, std::function<void()> step);

  // Builds and starts the gRPC server; `names` are the full names of `services`. From here on health follows readiness,
  // and the port file has both ports. Once.
  absl::Status Serve(const std::vector<grpc::Service*>& services, const std::vector<std::string>& names);

  // Waits for SIGTERM or SIGINT (or RequestStop), drains, and returns the exit code 0. A second signal ends the process
  // at once; a drain that hangs is ended by the watchdog with kExitInternal.
  int Run();

  // As if SIGTERM had come. Thread-safe.
  void RequestStop() { signalled_.request_stop(); }

 private:
  explicit ServiceRunner(const RunnerOptions& options);
  HttpReply Ready() const;
  void Drain();

  const RunnerOptions options_;
  std::unique_ptr<Watchdog> watchdog_;  // destroyed last: it watches over the destruction of the others
  MetricRegistry metrics_;
  const ProcessMetrics process_metrics_;
  Readiness readiness_;
  Readiness::Condition starting_;
  std::stop_source signalled_;
  std::stop_source stop_;
  std::vector<std::pair<std::string, std::function<void()>>> drain_steps_;
  std::vector<std::unique_ptr<Executor>> executors_;
  std::vector<ExecutorMetrics> executor_metrics_;
  std::unique_ptr<RpcMetrics> rpc_metrics_;
  std::unique_ptr<GrpcServer> grpc_;
  std::unique_ptr<HttpEndpoint> http_;
  std::unique_ptr<SignalWaiter> signals_;
};

}  // namespace tokenwatch::common

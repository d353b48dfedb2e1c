#include "common/app/service_runner.h"

#include <cstdio>
#include <cstdlib>

#include <malloc.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/app/port_file.h"
#include "common/config/check.h"
#include "common/config/flags.h"
#include "common/log/json_line.h"
#include "common/log/log.h"
#include "common/rpc/grpc_log.h"
#include "common/sync/stop.h"
#include "common/time/backoff.h"

namespace tokenwatch::common {
namespace {

constexpr absl::Duration kLogFlushLimit = absl::Seconds(1);
// From this size on, what is freed goes back to the system at once.
constexpr int kMapAtBytes = 128 * 1024;

bool WorthWaiting(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::Status RunnerOptions::Validate() const {
  return FirstError({CheckPort("grpc_port", grpc.port), CheckPort("http_port", http.port),
                     CheckRange("max_message_bytes", grpc.max_message_bytes, 1024, 256 * 1024 * 1024),
                     CheckRange("max_concurrent_streams", grpc.max_concurrent_streams, 1, 100'000),
                     CheckRange("drain_grace", drain_grace, absl::ZeroDuration(), absl::Minutes(5)),
                     CheckRange("drain_deadline", drain_deadline, absl::ZeroDuration(), absl::Minutes(10)),
                     CheckRange("drain_margin", drain_margin, absl::ZeroDuration(), absl::Minutes(1))});
}

std::vector<std::string> StartProgram(const std::string& service, absl::string_view usage, int argc,
                                      char* const* argv) {
  // Buffers go from thread to thread here, and each arena of the allocator keeps what passed through it: with the
  // default of eight arenas a core a service holds more memory.
  ::mallopt(M_ARENA_MAX, 2);
  // Batches pass through as buffers of megabytes. The allocator would raise its limit to the largest of them, and keep
  // the holes that they leave.
  ::mallopt(M_MMAP_THRESHOLD, kMapAtBytes);
  BlockTerminationSignals();
  InitLog({.service = service});
  RouteGrpcLog();
  ParsedFlags flags = OrDie(service, ParseFlags(argc, argv));
  if (flags.help || flags.version) {
    const std::string text = flags.help ? FlagsHelp(usage) : absl::StrCat(service, " ", BuildVersion(), "\n");
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::exit(0);
  }
  std::vector<LogField> fields = {{"version", BuildVersion()}};
  const std::vector<FlagSetting> settings = ChangedFlags();
  for (const FlagSetting& setting : settings) fields.push_back({setting.name, setting.value});
  LogFields(Severity::kInfo, "starting", fields);
  return std::move(flags.positional);
}

ServiceRunner::ServiceRunner(const RunnerOptions& options)
    : options_(options),
      process_metrics_(metrics_, options.service),
      starting_(readiness_.Add("start", "the service is starting")) {}

absl::StatusOr<std::unique_ptr<ServiceRunner>> ServiceRunner::Start(const RunnerOptions& options) {
  auto runner = std::unique_ptr<ServiceRunner>(new ServiceRunner(options));
  ServiceRunner* self = runner.get();
  self->signals_ = std::make_unique<SignalWaiter>([self](int signal) {
    Log(Severity::kInfo, "signal, draining", {{"signal", signal}});
    self->RequestStop();
  });
  absl::StatusOr<std::unique_ptr<HttpEndpoint>> http = HttpEndpoint::Start(
      options.http,
      {{"/metrics",
        [self] { return HttpReply{.content_type = "text/plain; version=0.0.4", .body = self->metrics_.Text()}; }},
       {"/healthz", [] { return HttpReply{.body = "alive\n"}; }},
       {"/readyz", [self] { return self->Ready(); }}});
  if (!http.ok()) return http.status();
  self->http_ = *std::move(http);
  if (!options.port_file.empty()) {
    absl::Status written = WritePortFile(options.port_file, {.http = self->http_port()});
    if (!written.ok()) return written;
  }
  return runner;
}

ServiceRunner::~ServiceRunner() {
  readiness_.Observe(nullptr);
  signals_.reset();
  grpc_.reset();
  http_.reset();
}

HttpReply ServiceRunner::Ready() const {
  const std::vector<Readiness::Reason> reasons = readiness_.NotReady();
  if (reasons.empty()) return {.body = "ready\n"};
  HttpReply reply = {.status = 503};
  for (const Readiness::Reason& reason : reasons) absl::StrAppend(&reply.body, reason.name, ": ", reason.reason, "\n");
  return reply;
}

Executor& ServiceRunner::AddExecutor(Executor::Options options) {
  executors_.push_back(std::make_unique<Executor>(std::move(options)));
  executor_metrics_.emplace_back(metrics_, *executors_.back());
  return *executors_.back();
}

absl::Status ServiceRunner::WaitUntil(const std::string& condition, absl::FunctionRef<absl::Status()> attempt) {
  Readiness::Condition ready = readiness_.Add(condition, "not tried yet");
  Backoff backoff({.initial = absl::Milliseconds(100), .cap = absl::Seconds(5), .multiplier = 2}, SystemRandom());
  const std::stop_token signalled = signalled_.get_token();
  while (!signalled.stop_requested()) {
    const absl::Status status = attempt();
    if (status.ok() || !WorthWaiting(status)) return status;
    ready.SetNotReady(std::string(status.message()));
    TW_LOG_EVERY(absl::Seconds(10), Severity::kWarning, "waiting",
                 {{"condition", condition}, {"reason", status.message()}});
    SleepUnlessStopped(signalled, backoff.Next());
  }
  return absl::CancelledError(absl::StrCat("a signal ended the wait for: ", condition));
}

int ServiceRunner::GiveUp(const absl::Status& status) {
  if (!signalled_.stop_requested()) Die(options_.service, status);
  Drain();
  return 0;
}

void ServiceRunner::OnDrain(std::string name, std::function<void()> step) {
  drain_steps_.emplace_back(std::move(name), std::move(step));
}

absl::Status ServiceRunner::Serve(const std::vector<grpc::Service*>& services, const std::vector<std::string>& names) {
  absl::StatusOr<std::unique_ptr<RpcMetrics>> rpc_metrics = RpcMetrics::Create(metrics_, names);
  if (!rpc_metrics.ok()) return rpc_metrics.status();
  rpc_metrics_ = *std::move(rpc_metrics);
  absl::StatusOr<std::unique_ptr<GrpcServer>> server = GrpcServer::Start(options_.grpc, services, names, *rpc_metrics_);
  if (!server.ok()) return server.status();
  grpc_ = *std::move(server);
  if (!options_.port_file.empty()) {
    absl::Status written = WritePortFile(options_.port_file, {.http = http_port(), .grpc = grpc_port()});
    if (!written.ok()) return written;
  }
  starting_.SetReady();
  readiness_.Observe([server = grpc_.get()](bool ready) { server->SetServing(ready); });
  Log(Severity::kInfo, "serving", {{"grpc_port", grpc_port()}, {"http_port", http_port()}});
  return absl::OkStatus();
}

int ServiceRunner::Run() {
  Mutex mutex;
  CondVar woken;
  const std::stop_token signalled = signalled_.get_token();
  {
    StopWaker waker(signalled, mutex, woken);
    MutexLock lock(mutex);
    while (!signalled.stop_requested()) woken.Wait(mutex);
  }
  Drain();
  return 0;
}

void ServiceRunner::Drain() {
  const absl::Time begin = absl::Now();
  // Stays until this object is gone, so that a destructor that hangs is caught too.
  watchdog_ = std::make_unique<Watchdog>(options_.drain_grace + options_.drain_deadline + options_.drain_margin);

  watchdog_->Enter("grace");
  starting_.SetNotReady("the service is draining");
  if (grpc_ != nullptr) absl::SleepFor(options_.drain_grace);

  const absl::Time deadline = absl::Now() + options_.drain_deadline;
  stop_.request_stop();
  for (const auto& [name, step] : drain_steps_) {
    watchdog_->Enter(name);
    step();
  }
  watchdog_->Enter("calls");
  if (grpc_ != nullptr) grpc_->Shutdown(deadline);
  for (const std::unique_ptr<Executor>& executor : executors_) {
    watchdog_->Enter(absl::StrCat("executor ", executor->name()));
    executor->Drain(deadline - absl::Now());
    executor->Stop();
  }
  watchdog_->Enter("destructors");
  Log(Severity::kInfo, "drained", {{"seconds", absl::ToDoubleSeconds(absl::Now() - begin)}});
  FlushLog(kLogFlushLimit);
}

}  // namespace tokenwatch::common

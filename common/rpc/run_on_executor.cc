#include "common/rpc/run_on_executor.h"

#include <exception>
#include <memory>
#include <utility>

#include "common/metrics/bug.h"
#include "common/rpc/responder.h"

namespace tokenwatch::common {
namespace {

BugSite uncaught_exception("rpc_exception");

// A call on its way through the executor. Shared by the task and, until it is accepted, by RunOnExecutor.
struct QueuedCall {
  QueuedCall(grpc::ServerUnaryReactor* reactor, grpc::CallbackServerContext* of,
             absl::AnyInvocable<absl::Status(const CallInfo&) &&> what, const RunOptions& how)
      : responder(reactor), context(of), work(std::move(what)), info(CallInfoOf(*of)), options(how) {}

  Responder responder;
  grpc::CallbackServerContext* context;
  absl::AnyInvocable<absl::Status(const CallInfo&) &&> work;
  CallInfo info;
  RunOptions options;

  ~QueuedCall() {
    if (responder.pending()) responder.Finish(absl::UnavailableError("the server is stopping: try another or later"));
  }

  void Run() { responder.Finish(Result()); }

 private:
  absl::Status Result() {
    if (context->IsCancelled()) return absl::CancelledError("the caller has gone");
    if (absl::Status late = RefuseIfLate(info.deadline, options.clock->Now(), options.floor); !late.ok()) return late;
    try {
      return std::move(work)(info);
    } catch (const std::exception& error) {
      uncaught_exception.Report(error.what());
      return absl::InternalError("the server failed on this call: its log has the reason");
    }
  }
};

}  // namespace

grpc::ServerUnaryReactor* RunOnExecutor(Executor& executor, grpc::CallbackServerContext* context,
                                        absl::AnyInvocable<absl::Status(const CallInfo&) &&> work,
                                        const RunOptions& options) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto call = std::make_shared<QueuedCall>(reactor, context, std::move(work), options);
  absl::Status late = RefuseIfLate(call->info.deadline, options.clock->Now(), options.floor);
  if (!late.ok()) {
    call->responder.Finish(late);
  } else if (!executor.TrySubmit([call] { call->Run(); })) {
    call->responder.Finish(absl::ResourceExhaustedError("too many calls are waiting: retry later"));
  }
  return reactor;
}

}  // namespace tokenwatch::common

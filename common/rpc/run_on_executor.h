// Takes a unary call off gRPC's callback thread, which must not block, to an executor, which may.
//
//   grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const GetRequest* request,
//                                 GetResponse* response) override {
//     return RunOnExecutor(executor_, context, [=, this](const CallInfo& info) { return DoGet(info, *request,
//     *response); });
//   }
#pragma once

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/rpc/call_info.h"
#include "common/sync/executor.h"
#include "common/time/clock.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"

namespace tokenwatch::common {

struct RunOptions {
  // Calls with less time left are refused with DEADLINE_EXCEEDED, on arrival and again when their turn comes.
  absl::Duration floor = absl::Milliseconds(2);
  Clock* clock = &SystemClock::Instance();
};

// Runs `work` on `executor` and answers the call with its status. Request, response and context stay valid while it
// runs. The call is answered exactly once whatever happens: RESOURCE_EXHAUSTED when the executor takes no more,
// CANCELLED without running when the caller has gone, UNAVAILABLE when the executor stops before its turn, INTERNAL
// (and a bug counted) when `work` throws. Returns what the handler has to return.
grpc::ServerUnaryReactor* RunOnExecutor(Executor& executor, grpc::CallbackServerContext* context,
                                        absl::AnyInvocable<absl::Status(const CallInfo&) &&> work,
                                        const RunOptions& options = {});

}  // namespace tokenwatch::common

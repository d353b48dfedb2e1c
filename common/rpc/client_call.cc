#include "common/rpc/client_call.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "common/rpc/status.h"
#include "common/sync/stop.h"

namespace tokenwatch::common {

void PrepareContext(const CallInfo& inherited, absl::Time now, absl::Duration cap, grpc::ClientContext& context) {
  const absl::Time deadline = std::min(inherited.deadline, now + cap);
  if (deadline != absl::InfiniteFuture()) context.set_deadline(absl::ToChronoTime(deadline));
  if (!inherited.request_id.empty()) context.AddMetadata(kRequestIdKey, inherited.request_id);
}

absl::Status CallUnary(const CallInfo& inherited, const ClientCallOptions& options,
                       absl::FunctionRef<grpc::Status(grpc::ClientContext&)> call) {
  CallInfo info = inherited;
  info.deadline = std::min(inherited.deadline, options.clock->Now() + options.timeout);
  std::optional<Backoff> backoff;
  for (int attempt = 1;; ++attempt) {
    grpc::ClientContext context;
    PrepareContext(info, options.clock->Now(), options.timeout, context);
    context.set_wait_for_ready(options.wait_for_ready);
    const grpc::Status status = [&] {
      const std::stop_callback cancel(options.stop, [&context] { context.TryCancel(); });
      return call(context);
    }();
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE || !options.idempotent ||
        attempt >= options.max_attempts) {
      return FromGrpc(status);
    }
    if (!backoff.has_value()) backoff.emplace(options.backoff, options.random ? options.random : SystemRandom());
    const absl::Duration pause = backoff->Next();
    if (options.clock->Now() + pause >= info.deadline) return FromGrpc(status);
    const bool slept = options.sleep ? options.sleep(options.stop, pause) : SleepUnlessStopped(options.stop, pause);
    if (!slept) return FromGrpc(status);
  }
}

}  // namespace tokenwatch::common

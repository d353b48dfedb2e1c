// Calling a peer: a deadline always, the caller's id passed on, and retries where they can do no harm.
//
//   GetResponse response;
//   absl::Status status = CallUnary(info, {.timeout = absl::Seconds(2), .idempotent = true},
//       [&](grpc::ClientContext& context) { return stub_->Get(&context, request, &response); });
#pragma once

#include <functional>
#include <stop_token>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/rpc/call_info.h"
#include "common/time/backoff.h"
#include "common/time/clock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"

namespace tokenwatch::common {

struct ClientCallOptions {
  absl::Duration timeout = absl::Seconds(5);  // for all attempts together; a nearer inherited deadline wins
  bool idempotent = false;                    // only then is anything repeated
  int max_attempts = 4;
  Backoff::Options backoff = {.initial = absl::Milliseconds(50), .cap = absl::Seconds(1), .multiplier = 2};
  bool wait_for_ready = false;  // wait, within the deadline, for a peer that is not there yet
  std::stop_token stop = {};    // cancels the attempt under way and ends the waiting between attempts
  UniformRandom random = {};    // SystemRandom() when empty
  Clock* clock = &SystemClock::Instance();
  // How the pause between attempts is spent: false when it was ended early. SleepUnlessStopped when empty.
  std::function<bool(const std::stop_token&, absl::Duration)> sleep = {};
};

// Gives `context` the nearer of the inherited deadline and now + cap, and the request id. For streams and other calls
// that do not go through CallUnary.
void PrepareContext(const CallInfo& inherited, absl::Time now, absl::Duration cap, grpc::ClientContext& context);

// Calls `call` with a prepared context (a new one for each attempt) until it succeeds, fails with anything but
// UNAVAILABLE, is not idempotent, or attempts or time are used up. The last status is returned. Blocks; not for a gRPC
// callback thread.
absl::Status CallUnary(const CallInfo& inherited, const ClientCallOptions& options,
                       absl::FunctionRef<grpc::Status(grpc::ClientContext&)> call);

}  // namespace tokenwatch::common

// What a call hands down to the work it causes: until when it matters, and under which id it is traced.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"

namespace tokenwatch::common {

// The metadata key that carries the request id between services.
inline constexpr char kRequestIdKey[] = "x-request-id";
inline constexpr size_t kMaxRequestIdBytes = 128;

struct CallInfo {
  absl::Time deadline = absl::InfiniteFuture();
  std::string request_id = {};  // empty when there is none
};

// Deadline and request id of a call on a server. (With RpcMetrics' interceptor installed every call has a request id.)
CallInfo CallInfoOf(const grpc::ServerContextBase& context);

// DEADLINE_EXCEEDED when less than `floor` is left: the answer would come too late, so the work is not begun.
absl::Status RefuseIfLate(absl::Time deadline, absl::Time now, absl::Duration floor);

// 16 random hexadecimal digits.
std::string NewRequestId();

// Whether `id` may be taken over from a caller: 1 to kMaxRequestIdBytes letters, digits, '-', '_', '.' and ':'.
bool IsRequestId(absl::string_view id);

}  // namespace tokenwatch::common

#include "common/rpc/call_info.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tokenwatch::common {

CallInfo CallInfoOf(const grpc::ServerContextBase& context) {
  CallInfo info;
  const std::chrono::system_clock::time_point deadline = context.deadline();
  if (deadline != std::chrono::system_clock::time_point::max()) info.deadline = absl::FromChrono(deadline);
  const auto found = context.client_metadata().find(kRequestIdKey);
  if (found != context.client_metadata().end()) {
    const absl::string_view id(found->second.data(), found->second.size());
    if (IsRequestId(id)) info.request_id = std::string(id);
  }
  return info;
}

absl::Status RefuseIfLate(absl::Time deadline, absl::Time now, absl::Duration floor) {
  if (deadline - now >= floor) return absl::OkStatus();
  return absl::DeadlineExceededError(
      absl::StrCat("refused: ", absl::FormatDuration(std::max(deadline - now, absl::ZeroDuration())),
                   " left to the deadline is less than the ", absl::FormatDuration(floor), " the call needs"));
}

std::string NewRequestId() {
  thread_local std::mt19937_64 engine(std::random_device{}());
  return absl::StrCat(absl::Hex(engine(), absl::kZeroPad16));
}

bool IsRequestId(absl::string_view id) {
  return !id.empty() && id.size() <= kMaxRequestIdBytes && std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' || c == ':';
  });
}

}  // namespace tokenwatch::common

#include "common/config/exit.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/log/log.h"

namespace tokenwatch::common {

int ExitCodeFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 0;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return kExitUsage;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kAlreadyExists:
      return kExitUnavailable;
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kDataLoss:
      return kExitIo;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return kExitConfiguration;
    default:
      return kExitInternal;
  }
}

void Die(absl::string_view service, const absl::Status& status) {
  FlushLog(absl::Seconds(1));
  std::string line(status.message());
  std::replace(line.begin(), line.end(), '\n', ' ');  // messages of libraries may have several lines
  std::fprintf(stderr, "%s\n", absl::StrCat(service, ": ", line).c_str());
  std::fflush(stderr);
  ::_exit(ExitCodeFor(status));
}

}  // namespace tokenwatch::common

#include "cli/exit_codes.h"

namespace tokenwatch::cli {

const std::vector<ExitMeaning>& ExitMeanings() {
  static const auto& meanings = *new std::vector<ExitMeaning>{
      {kExitOk, "done"},
      {kExitNotWell, "something is not well (doctor), or the service is not in a state to do this"},
      {kExitNotFound, "not found"},
      {kExitUsage, "the command line, or a value on it, is wrong"},
      {kExitUnreachable, "a service cannot be reached"},
      {kExitInternal, "internal error"},
      {kExitTemporary, "busy or too late: try again later"},
      {kExitPermission, "not permitted"},
      {kExitInterrupted, "interrupted (Ctrl-C)"},
  };
  return meanings;
}

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kFailedPrecondition:
      return kExitNotWell;
    case absl::StatusCode::kNotFound:
      return kExitNotFound;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kAlreadyExists:
      return kExitUsage;
    case absl::StatusCode::kUnavailable:
      return kExitUnreachable;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
      return kExitTemporary;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return kExitPermission;
    default:
      return kExitInternal;
  }
}

}  // namespace tokenwatch::cli

// How a program ends when it cannot go on: one line on standard error and an exit code that means something.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tokenwatch::common {

// As sysexits.h has them.
inline constexpr int kExitUsage = 64;          // a flag or file given to the program is wrong
inline constexpr int kExitUnavailable = 69;    // a peer, a database or a port cannot be had
inline constexpr int kExitInternal = 70;       // a bug, or a step that never ended
inline constexpr int kExitIo = 74;             // reading or writing failed
inline constexpr int kExitConfiguration = 78;  // the environment is not what it should be (wrong database, role, table)

// OK 0 · INVALID_ARGUMENT, OUT_OF_RANGE 64 · UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, CANCELLED,
// ALREADY_EXISTS 69 · NOT_FOUND, DATA_LOSS 74 · FAILED_PRECONDITION, PERMISSION_DENIED, UNAUTHENTICATED 78 · others 70.
int ExitCodeFor(const absl::Status& status);

// Writes out the log, prints "service: message" and ends the process at once with ExitCodeFor(status), without running
// destructors: other threads may still be using what they would destroy.
[[noreturn]] void Die(absl::string_view service, const absl::Status& status);

}  // namespace tokenwatch::common

// From libpqxx's exceptions to absl::Status: the only place that knows the correspondence.
//
//   unique_violation                              ALREADY_EXISTS
//   foreign key, check, not null, restrict, exclusion   FAILED_PRECONDITION
//   data exception (22xxx)                        INVALID_ARGUMENT
//   serialization failure, deadlock               ABORTED (the transaction may be repeated)
//   cancelled, statement or lock time-out         DEADLINE_EXCEEDED
//   connection lost or refused, server shutting down or starting   UNAVAILABLE
//   too many connections, disk or memory full (53xxx)              RESOURCE_EXHAUSTED
//   commit in doubt                               UNKNOWN (never repeated blindly)
//   missing privilege, wrong password             PERMISSION_DENIED
//   anything else: wrong SQL, wrong use of the library             INTERNAL, reported to the bug hook
//
// Thread-safe.
#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tokenwatch::common {

// Called for every error that only a mistake in this program explains; `detail` is one line. Must not throw or block.
using PostgresBugHook = void (*)(absl::string_view what, absl::string_view detail);
// Replaces the hook of the whole process; nullptr for none, which is the default.
void SetPostgresBugHook(PostgresBugHook hook);

// The status for the exception being handled; call it inside a catch block only. `what` says what was being done, as in
// "store the batch", and begins the message. The message is one line and holds no SQL.
absl::Status FromException(absl::string_view what);

// The code of that status alone; reports nothing to the hook.
absl::StatusCode CodeOfException();

// The status for a five character SQLSTATE. `message` is the server's; an empty state means that libpq itself failed,
// which it does when the connection is gone.
absl::Status FromSqlState(absl::string_view what, absl::string_view sqlstate, absl::string_view message);

namespace internal {

template <typename T>
struct GuardedResult {
  using type = absl::StatusOr<T>;
};
template <>
struct GuardedResult<void> {
  using type = absl::Status;
};
template <>
struct GuardedResult<absl::Status> {
  using type = absl::Status;
};
template <typename T>
struct GuardedResult<absl::StatusOr<T>> {
  using type = absl::StatusOr<T>;
};

}  // namespace internal

// What Guard returns for a function that returns T: Status for void and Status, else StatusOr<T>.
template <typename T>
using Guarded = typename internal::GuardedResult<T>::type;

// Runs f() and turns whatever it throws into a status.
template <typename F>
auto Guard(absl::string_view what, F&& f) -> Guarded<std::invoke_result_t<F>> {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
      std::forward<F>(f)();
      return absl::OkStatus();
    } else {
      return std::forward<F>(f)();
    }
  } catch (...) {
    return FromException(what);
  }
}

}  // namespace tokenwatch::common

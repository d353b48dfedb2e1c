#include "cli/output.h"

#include <cerrno>
#include <cstring>

#include <poll.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace tokenwatch::cli {

absl::Status FileSink::Write(absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor_, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      // The descriptor may be non-blocking, being shared with the shell.
      pollfd ready = {descriptor_, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno == EPIPE || errno == EIO) {
      return absl::CancelledError("nobody reads the output any more");
    } else if (errno != EINTR) {
      return absl::InternalError(absl::StrCat("the output cannot be written: ", std::strerror(errno)));
    }
  }
  return absl::OkStatus();
}

bool FileSink::IsClosed() {
  pollfd state = {descriptor_, 0, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLERR | POLLHUP)) != 0;
}

}  // namespace tokenwatch::cli

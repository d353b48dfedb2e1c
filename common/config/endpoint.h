// Addresses to listen on and to connect to, as flags give them: "host:port", "[v6]:port".
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tokenwatch::common {

struct Endpoint {
  std::string host;
  int port = 0;
};

// INVALID_ARGUMENT names the flag, the text and what is expected. Port 0 is allowed.
absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view flag, absl::string_view text);

}  // namespace tokenwatch::common

// Telling other programs which ports were bound, for ports the system chose.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace tokenwatch::common {

struct BoundPorts {
  int http = 0;
  int grpc = 0;  // 0: not bound yet
};

// Writes {"pid":1,"http":7411,"grpc":7401} to `path`, without the ports that are 0. Readers see the old file or the
// whole new one, never a part.
absl::Status WritePortFile(const std::string& path, const BoundPorts& ports);

}  // namespace tokenwatch::common

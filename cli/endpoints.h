// Where the services are.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "cli/args.h"

namespace tokenwatch::cli {

enum class Service { kDetector, kResolver, kPricing };

// "detector", "resolver", "pricing".
std::string ServiceName(Service service);

struct Endpoints {
  std::string detector = "127.0.0.1:7401";
  std::string resolver = "127.0.0.1:7402";
  std::string pricing = "127.0.0.1:7404";
  // Something says where pricing is, so it should be there; an environment may also do without.
  bool expects_pricing = false;
};

// Reads an environment variable; nothing when it is not set.
using GetEnvironment = std::function<std::optional<std::string>(const std::string& name)>;

// For each service the first that is given: its flag, TOKENWATCH_<SERVICE>, the file that TOKENWATCH_ENDPOINTS names,
// or .run/endpoints.json of the working directory where that is not set (when there is such a file), the default.
// INVALID_ARGUMENT when that file is not {"detector": "HOST:PORT", ...}.
absl::StatusOr<Endpoints> FindEndpoints(const ParsedArgs& args, const GetEnvironment& environment);

}  // namespace tokenwatch::cli

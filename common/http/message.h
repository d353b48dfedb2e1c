// What an HTTP exchange is made of: values without behaviour, used by the client, the retry policy and the budget.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tokenwatch::common {

class AddressGuard;

// Header fields in the order they came; names compare without case, as RFC 9110 says. Not thread-safe.
class HttpHeaders {
 public:
  HttpHeaders() = default;
  HttpHeaders(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  // Appends; a name may occur more than once.
  void Add(absl::string_view name, absl::string_view value) { fields_.emplace_back(name, value); }
  // The value of the first field called `name`; the view lives as long as this object is not changed.
  std::optional<absl::string_view> Find(absl::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct HttpRequest {
  std::string method = "GET";
  // http or https; with a guard also the schemes of its gateway table.
  std::string url = {};
  HttpHeaders headers = {};
  std::string body = {};
  // Wall time of the client's clock; the client's own `total_timeout` holds where it is earlier.
  absl::Time deadline = absl::InfiniteFuture();
  // Of the decoded body; one byte more ends the transfer with RESOURCE_EXHAUSTED.
  std::size_t max_body_bytes = std::size_t{8} << 20;
  // 0: a redirect is handed back as the answer. Beyond the maximum the fetch fails with FAILED_PRECONDITION.
  // A hop to another origin carries none of `headers`, so that keys do not leak.
  int max_redirects = 3;
  // Set for a URL that came from a stranger: each hop and each connected address must pass it.
  std::shared_ptr<const AddressGuard> guard = {};
};

// Measured from the call of Fetch (`queued`) and, the others, from the start of the last hop.
struct HttpTimings {
  absl::Duration queued = {};
  absl::Duration connected = {};
  absl::Duration first_byte = {};
  // The whole fetch, with queue and redirects.
  absl::Duration total = {};
};

struct HttpResponse {
  int status_code = 0;
  HttpHeaders headers = {};
  std::string body = {};
  // Where the answer came from, after gateways and redirects. May hold secrets of the query: do not log it.
  std::string final_url = {};
  int redirects = 0;
  HttpTimings timings;
};

}  // namespace tokenwatch::common

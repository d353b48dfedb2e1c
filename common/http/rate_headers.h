// What an answer says about how often its server may be asked. Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http/message.h"

namespace tokenwatch::common {

struct RateHeaders {
  std::optional<std::int64_t> limit = {};
  // The window of `limit`, where a field names it (w= of the draft-ietf-httpapi-ratelimit-headers).
  std::optional<absl::Duration> window = {};
  std::optional<std::int64_t> remaining = {};
  // When the server starts to count anew.
  std::optional<absl::Time> reset_at = {};
  // Retry-After.
  std::optional<absl::Time> retry_at = {};
};

// Retry-After (seconds, also with a fraction, or an HTTP date); [x-]ratelimit-limit/-remaining/-reset/-reset-after,
// also spelled x-rate-limit-*; RateLimit and RateLimit-Policy. A reset above 10^8 is Unix seconds, above 10^11 Unix
// milliseconds, and else seconds from `now`. What cannot be read is left out.
RateHeaders ParseRateHeaders(const HttpHeaders& headers, absl::Time now);

// Retry-After alone.
std::optional<absl::Time> ParseRetryAfter(absl::string_view value, absl::Time now);

}  // namespace tokenwatch::common

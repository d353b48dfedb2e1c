// URLs as libcurl reads them, so that what was checked is what is connected to: two parsers that disagree about the
// host of one text are how a request guard is fooled.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tokenwatch::common {

struct Url {
  // The whole in normal form: numeric IPv4 hosts in dotted decimal, dot segments removed, no fragment.
  std::string text;
  // Lower case.
  std::string scheme;
  // Lower case, without brackets and zone; numeric IPv4 forms (hex, octal, short) already in dotted decimal.
  std::string host;
  // The scheme's own when the text names none.
  std::uint16_t port = 0;
  // Path and query, as they go on the request line; never empty.
  std::string target;
  bool has_user_info = false;
  bool has_zone = false;

  // scheme://host:port: what may be shown in a log line, as paths and queries carry keys.
  std::string Origin() const;
};

// Longest text that is looked at.
inline constexpr std::size_t kMaxUrlBytes = 8192;

// INVALID_ARGUMENT when libcurl cannot read it, it is not absolute, it is longer than kMaxUrlBytes, or its scheme is
// none of http, https, ws, wss. Thread-safe.
absl::StatusOr<Url> ParseUrl(absl::string_view text);

// The target of a redirect: `location`, absolute or relative to `base`, parsed as ParseUrl does. Thread-safe.
absl::StatusOr<Url> ResolveUrl(const Url& base, absl::string_view location);

}  // namespace tokenwatch::common

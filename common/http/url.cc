#include "common/http/url.h"

#include <memory>
#include <optional>

#include <curl/curl.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tokenwatch::common {
namespace {

struct HandleDeleter {
  void operator()(CURLU* handle) const { curl_url_cleanup(handle); }
};
using Handle = std::unique_ptr<CURLU, HandleDeleter>;

std::optional<std::string> Part(CURLU* handle, CURLUPart part, unsigned flags = 0) {
  char* value = nullptr;
  if (curl_url_get(handle, part, &value, flags) != CURLUE_OK) return std::nullopt;
  std::string result(value);
  curl_free(value);
  return result;
}

absl::Status Set(CURLU* handle, absl::string_view text) {
  if (text.size() > kMaxUrlBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("URL is ", text.size(), " bytes long, at most ", kMaxUrlBytes, " are read"));
  }
  // A NUL would end the text for libcurl only, and control characters have no business in a URL.
  for (const char c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      return absl::InvalidArgumentError("URL contains a control character");
    }
  }
  // Non-supported schemes pass here so that ws and wss parse; Convert() has the list that holds.
  const CURLUcode code =
      curl_url_set(handle, CURLUPART_URL, std::string(text).c_str(), CURLU_NON_SUPPORT_SCHEME | CURLU_ALLOW_SPACE);
  if (code != CURLUE_OK) {
    return absl::InvalidArgumentError(absl::StrCat("URL cannot be read: ", curl_url_strerror(code)));
  }
  return absl::OkStatus();
}

std::uint16_t DefaultPort(absl::string_view scheme) { return scheme == "https" || scheme == "wss" ? 443 : 80; }

absl::StatusOr<Url> Convert(CURLU* handle) {
  Url url;
  url.scheme = absl::AsciiStrToLower(Part(handle, CURLUPART_SCHEME).value_or(""));
  if (url.scheme != "http" && url.scheme != "https" && url.scheme != "ws" && url.scheme != "wss") {
    return absl::InvalidArgumentError("URL scheme is not http, https, ws or wss");
  }
  curl_url_set(handle, CURLUPART_FRAGMENT, nullptr, 0);
  const std::optional<std::string> host = Part(handle, CURLUPART_HOST);
  const std::optional<std::string> text = Part(handle, CURLUPART_URL, CURLU_URLENCODE);
  if (!host || host->empty() || host->find(' ') != std::string::npos || !text) {
    return absl::InvalidArgumentError("URL has no host that can be read");
  }
  url.text = *text;
  url.host = absl::AsciiStrToLower(absl::StripSuffix(absl::StripPrefix(*host, "["), "]"));
  url.port = DefaultPort(url.scheme);
  if (const auto port = Part(handle, CURLUPART_PORT)) {
    int number = 0;
    if (!absl::SimpleAtoi(*port, &number) || number < 1 || number > 65535) {
      return absl::InvalidArgumentError("URL port is not between 1 and 65535");
    }
    url.port = static_cast<std::uint16_t>(number);
  }
  url.target = Part(handle, CURLUPART_PATH, CURLU_URLENCODE).value_or("/");
  if (const auto query = Part(handle, CURLUPART_QUERY, CURLU_URLENCODE)) absl::StrAppend(&url.target, "?", *query);
  url.has_user_info = Part(handle, CURLUPART_USER).has_value() || Part(handle, CURLUPART_PASSWORD).has_value();
  url.has_zone = Part(handle, CURLUPART_ZONEID).has_value();
  return url;
}

}  // namespace

std::string Url::Origin() const {
  const bool bracketed = host.find(':') != std::string::npos;
  return absl::StrCat(scheme, "://", bracketed ? "[" : "", host, bracketed ? "]" : "", ":", port);
}

absl::StatusOr<Url> ParseUrl(absl::string_view text) {
  const Handle handle(curl_url());
  if (absl::Status status = Set(handle.get(), text); !status.ok()) return status;
  return Convert(handle.get());
}

absl::StatusOr<Url> ResolveUrl(const Url& base, absl::string_view location) {
  const Handle handle(curl_url());
  if (absl::Status status = Set(handle.get(), base.text); !status.ok()) return status;
  // A second URL set on the same handle is resolved against the first.
  if (absl::Status status = Set(handle.get(), location); !status.ok()) return status;
  return Convert(handle.get());
}

}  // namespace tokenwatch::common

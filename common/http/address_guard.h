// Decides where a URL that came from a stranger may lead (server-side request forgery).
//
// Two checks, both needed: CheckUrl reads the text (scheme, port, user-info, literal addresses, local names), and
// CheckAddress judges the socket address that is about to be connected to, or that a kept connection leads to. The
// second is what counts: a name may resolve to anything, and to something else a moment later.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/http/url.h"

namespace tokenwatch::common {

struct AddressGuardOptions {
  // Scheme to prefix: "ipfs://a/b" is fetched as prefix + "a/b". The prefix ends in "/".
  std::map<std::string, std::string> gateways = {{"ipfs", "https://ipfs.io/ipfs/"}, {"ar", "https://arweave.net/"}};
  // Ports that may be connected to; tests on loopback use `allow_any_port`.
  std::vector<std::uint16_t> ports = {80, 443};
  bool allow_any_port = false;
  // Literal addresses let through although they are not public: a gateway of one's own, a test's server.
  std::vector<std::string> allowed_addresses = {};
  // When not empty, the only hosts that may be asked, names or literal addresses in lower case; no other is looked up.
  std::vector<std::string> only_hosts = {};
};

// Immutable after construction, so thread-safe.
class AddressGuard {
 public:
  explicit AddressGuard(AddressGuardOptions options = {});

  // The URL to fetch, gateways applied. INVALID_ARGUMENT when it cannot be read; PERMISSION_DENIED for a scheme
  // without a gateway, another host or port, user-info, an IPv6 zone, a host that is not ASCII (the punycode form is
  // asked for), a name of one label or of a local domain, or a literal address that CheckAddress refuses.
  absl::StatusOr<Url> CheckUrl(absl::string_view text) const;

  // The same for the target of a redirect from `base`.
  absl::StatusOr<Url> CheckRedirect(const Url& base, absl::string_view location) const;

  // PERMISSION_DENIED unless `address` (AF_INET or AF_INET6) is a public unicast address and its port is allowed.
  absl::Status CheckAddress(const sockaddr* address) const;

  // The same for an address in text, as libcurl reports that of a kept connection.
  absl::Status CheckAddress(const std::string& ip, std::uint16_t port) const;

 private:
  absl::StatusOr<std::string> ApplyGateway(absl::string_view text) const;
  absl::Status CheckParts(const Url& url) const;
  absl::Status CheckPort(std::uint16_t port) const;

  const AddressGuardOptions options_;
};

}  // namespace tokenwatch::common

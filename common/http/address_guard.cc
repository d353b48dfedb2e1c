#include "common/http/address_guard.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tokenwatch::common {
namespace {

struct Network4 {
  std::uint32_t base;
  int prefix_bits;
  const char* what;
};

constexpr std::uint32_t Ip4(unsigned a, unsigned b, unsigned c, unsigned d) {
  return (a << 24) | (b << 16) | (c << 8) | d;
}

// IANA IPv4 Special-Purpose Address Registry, all that is not globally reachable; and what clouds put on public
// addresses for their machines only (Azure's wire server).
constexpr Network4 kForbidden4[] = {
    {Ip4(0, 0, 0, 0), 8, "unspecified"},           {Ip4(10, 0, 0, 0), 8, "private"},
    {Ip4(100, 64, 0, 0), 10, "carrier-grade NAT"}, {Ip4(127, 0, 0, 0), 8, "loopback"},
    {Ip4(168, 63, 129, 16), 32, "cloud metadata"}, {Ip4(169, 254, 0, 0), 16, "link-local or cloud metadata"},
    {Ip4(172, 16, 0, 0), 12, "private"},           {Ip4(192, 0, 0, 0), 24, "protocol assignment or cloud metadata"},
    {Ip4(192, 0, 2, 0), 24, "documentation"},      {Ip4(192, 88, 99, 0), 24, "6to4 relay"},
    {Ip4(192, 168, 0, 0), 16, "private"},          {Ip4(198, 18, 0, 0), 15, "benchmarking"},
    {Ip4(198, 51, 100, 0), 24, "documentation"},   {Ip4(203, 0, 113, 0), 24, "documentation"},
    {Ip4(224, 0, 0, 0), 4, "multicast"},           {Ip4(240, 0, 0, 0), 4, "reserved or broadcast"},
};

const char* Forbidden4(std::uint32_t address) {
  for (const Network4& network : kForbidden4) {
    const std::uint32_t mask = ~std::uint32_t{0} << (32 - network.prefix_bits);
    if ((address & mask) == network.base) return network.what;
  }
  return nullptr;
}

using Bytes16 = std::array<std::uint8_t, 16>;

struct Network6 {
  Bytes16 base;
  int prefix_bits;
};

bool Within(const Bytes16& address, const Network6& network) {
  const int whole = network.prefix_bits / 8;
  if (std::memcmp(address.data(), network.base.data(), whole) != 0) return false;
  const int rest = network.prefix_bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return (address[whole] & mask) == network.base[whole];
}

std::uint32_t Embedded4(const Bytes16& address, int offset) {
  return Ip4(address[offset], address[offset + 1], address[offset + 2], address[offset + 3]);
}

// Forms of IPv6 that a router, or the kernel, turns into an IPv4 address: judged by that address.
struct Embedding {
  Network6 network;
  int offset;
};
constexpr Embedding kEmbeddings[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12},        // ::ffff:0:0/96, IPv4-mapped
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0}, 96}, 12},        // ::ffff:0:0:0/96, IPv4-translated
    {{{0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0}, 96}, 12},  // 64:ff9b::/96, NAT64
    {{{0x20, 0x02}, 16}, 2},                                       // 2002::/16, 6to4
};

// Of 2000::/3, the only space given out for global unicast, what is not globally reachable.
constexpr std::pair<Network6, const char*> kForbidden6[] = {
    {{{0x20, 0x01, 0x0d, 0xb8}, 32}, "documentation"},
    {{{0x20, 0x01, 0x00}, 23}, "protocol assignment (Teredo, ORCHID, benchmarking)"},
    {{{0x3f, 0xff, 0x00}, 20}, "documentation"},
};

const char* Forbidden6(const Bytes16& address) {
  for (const Embedding& embedding : kEmbeddings) {
    if (Within(address, embedding.network)) return Forbidden4(Embedded4(address, embedding.offset));
  }
  if ((address[0] & 0xe0) != 0x20) return "not global unicast";
  for (const auto& [network, what] : kForbidden6) {
    if (Within(address, network)) return what;
  }
  // ISATAP: an interface identifier of 0000:5efe or 0200:5efe carries an IPv4 address.
  if ((address[8] & 0xfd) == 0 && address[9] == 0 && address[10] == 0x5e && address[11] == 0xfe) {
    return Forbidden4(Embedded4(address, 12));
  }
  return nullptr;
}

// Names that only mean something inside: the last label, or the last two, of a host.
bool IsLocalName(absl::string_view host) {
  if (!absl::StrContains(host, '.')) return true;
  for (const absl::string_view suffix : {".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa",
                                         ".localdomain", ".svc", ".cluster.local", ".corp", ".private"}) {
    if (absl::EndsWith(host, suffix)) return true;
  }
  return false;
}

absl::Status Denied(absl::string_view what) {
  return absl::PermissionDeniedError(absl::StrCat("address guard: ", what));
}

}  // namespace

AddressGuard::AddressGuard(AddressGuardOptions options) : options_(std::move(options)) {}

absl::StatusOr<std::string> AddressGuard::ApplyGateway(absl::string_view text) const {
  const auto colon = text.find("://");
  if (colon == absl::string_view::npos) return absl::InvalidArgumentError("URL has no scheme");
  const std::string scheme = absl::AsciiStrToLower(text.substr(0, colon));
  if (scheme == "http" || scheme == "https") return std::string(text);
  const auto gateway = options_.gateways.find(scheme);
  if (gateway == options_.gateways.end()) return Denied("scheme is not http, https or one with a gateway");
  absl::string_view rest = text.substr(colon + 3);
  // "ipfs://ipfs/<id>" is written by many tools and means the same.
  absl::ConsumePrefix(&rest, absl::StrCat(scheme, "/"));
  return absl::StrCat(gateway->second, rest);
}

absl::StatusOr<Url> AddressGuard::CheckUrl(absl::string_view text) const {
  absl::StatusOr<std::string> rewritten = ApplyGateway(absl::StripAsciiWhitespace(text));
  if (!rewritten.ok()) return rewritten.status();
  absl::StatusOr<Url> url = ParseUrl(*rewritten);
  if (!url.ok()) return url.status();
  if (absl::Status status = CheckParts(*url); !status.ok()) return status;
  return url;
}

absl::StatusOr<Url> AddressGuard::CheckRedirect(const Url& base, absl::string_view location) const {
  const auto colon = location.find("://");
  if (colon != absl::string_view::npos &&
      options_.gateways.contains(absl::AsciiStrToLower(location.substr(0, colon)))) {
    return CheckUrl(location);
  }
  absl::StatusOr<Url> url = ResolveUrl(base, location);
  if (!url.ok()) return url.status();
  if (absl::Status status = CheckParts(*url); !status.ok()) return status;
  return url;
}

absl::Status AddressGuard::CheckParts(const Url& url) const {
  if (url.scheme != "http" && url.scheme != "https") return Denied("scheme is not http or https");
  if (url.has_user_info) return Denied("URL carries user-info");
  if (url.has_zone) return Denied("host carries an IPv6 zone");
  if (absl::Status status = CheckPort(url.port); !status.ok()) return status;
  for (const char c : url.host) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && !absl::StrContains("-._:", c)) {
      return Denied("host is not plain ASCII; international names go in punycode");
    }
  }
  const std::string host(absl::StripSuffix(url.host, "."));
  const auto& only = options_.only_hosts;
  if (!only.empty() && std::find(only.begin(), only.end(), absl::AsciiStrToLower(host)) == only.end()) {
    return Denied(absl::StrCat("host ", host, " is not one of those allowed"));
  }
  in6_addr ignored;
  const bool literal =
      inet_pton(AF_INET, host.c_str(), &ignored) == 1 || inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
  if (literal) return CheckAddress(host, url.port);
  if (IsLocalName(host)) return Denied("host is a local name");
  return absl::OkStatus();
}

absl::Status AddressGuard::CheckPort(std::uint16_t port) const {
  if (options_.allow_any_port ||
      std::find(options_.ports.begin(), options_.ports.end(), port) != options_.ports.end()) {
    return absl::OkStatus();
  }
  return Denied(absl::StrCat("port ", port, " is not allowed"));
}

absl::Status AddressGuard::CheckAddress(const sockaddr* address) const {
  char text[INET6_ADDRSTRLEN] = {};
  if (address->sa_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(address);
    inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
    return CheckAddress(text, ntohs(in->sin_port));
  }
  if (address->sa_family == AF_INET6) {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(address);
    inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof(text));
    return CheckAddress(text, ntohs(in->sin6_port));
  }
  return Denied("address is neither IPv4 nor IPv6");
}

absl::Status AddressGuard::CheckAddress(const std::string& ip, std::uint16_t port) const {
  if (absl::Status status = CheckPort(port); !status.ok()) return status;
  const auto& allowed = options_.allowed_addresses;
  if (std::find(allowed.begin(), allowed.end(), ip) != allowed.end()) return absl::OkStatus();
  in_addr four;
  Bytes16 six;
  const char* what = "not an IP address";
  if (inet_pton(AF_INET, ip.c_str(), &four) == 1) {
    what = Forbidden4(ntohl(four.s_addr));
  } else if (inet_pton(AF_INET6, ip.c_str(), six.data()) == 1) {
    what = Forbidden6(six);
  }
  if (what != nullptr) return Denied(absl::StrCat("address ", ip, " is refused: ", what));
  return absl::OkStatus();
}

}  // namespace tokenwatch::common

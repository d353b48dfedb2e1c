#include "resolver/config.h"

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/config/check.h"
#include "common/http/url.h"

namespace tokenwatch::resolver {
namespace {

using common::CheckNotEmpty;
using common::CheckRange;

absl::Status CheckUrl(absl::string_view flag, const std::string& url) {
  const absl::StatusOr<common::Url> parsed = common::ParseUrl(url);
  if (!parsed.ok()) return absl::InvalidArgumentError(absl::StrCat("--", flag, ": ", parsed.status().message()));
  if (parsed->scheme == "http" || parsed->scheme == "https") return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--", flag, " is not an http or https address"));
}

absl::Status CheckSources(const std::vector<std::string>& sources) {
  std::set<std::string> seen;
  for (const std::string& source : sources) {
    if (absl::Status status = common::CheckOneOf("sources", source, {"onchain", "uri", "dexscreener"}); !status.ok()) {
      return status;
    }
    if (!seen.insert(source).second) {
      return absl::InvalidArgumentError(absl::StrCat("--sources names ", source, " twice"));
    }
  }
  return sources.empty()
             ? absl::InvalidArgumentError("--sources is empty; give at least one of onchain, uri, dexscreener")
             : absl::OkStatus();
}

}  // namespace

absl::Status Config::Validate() const {
  return common::FirstError({
      dsn.empty() ? absl::InvalidArgumentError("set --dsn_file (or --dsn) to the platform database's connection string")
                  : absl::OkStatus(),
      CheckRange("db_connections", db_connections, 2, 64),
      CheckNotEmpty("detector", detector),
      CheckNotEmpty("claimant", claimant),
      CheckSources(sources),
      CheckUrl("solana_rpc_url", solana_rpc_url),
      CheckUrl("dexscreener_url", dexscreener_url),
      absl::EndsWith(dexscreener_url, "/") ? absl::InvalidArgumentError("--dexscreener_url must not end in /")
                                           : absl::OkStatus(),
      CheckUrl("ipfs_gateway_url", ipfs_gateway_url),
      CheckRange("source_timeout", source_timeout, absl::Milliseconds(10), absl::Seconds(30)),
      CheckRange("uri_max_bytes", uri_max_bytes, 1024, 16 << 20),
      CheckRange("onchain_budget_per_minute", onchain_budget_per_minute, 1, 100'000),
      CheckRange("uri_budget_per_minute", uri_budget_per_minute, 1, 100'000),
      CheckRange("dexscreener_budget_per_minute", dexscreener_budget_per_minute, 1, 100'000),
      CheckRange("capacity", capacity, 1, 100'000),
      CheckRange("max_parallel_calls", max_parallel_calls, 1, 64),
      CheckRange("linger", linger, absl::ZeroDuration(), absl::Seconds(10)),
      CheckRange("linger_max", linger_max, linger, absl::Seconds(30)),
      CheckRange("budget_patience", budget_patience, absl::ZeroDuration(), absl::Minutes(1)),
      CheckRange("max_attempts", max_attempts, 1, 1000),
      CheckRange("retry_initial", retry_initial, absl::Milliseconds(1), absl::Hours(1)),
      CheckRange("retry_cap", retry_cap, retry_initial, absl::Hours(24)),
      CheckRange("not_found_capacity", not_found_capacity, 1, 10'000'000),
      CheckRange("not_found_initial", not_found_initial, absl::Milliseconds(1), absl::Hours(1)),
      CheckRange("not_found_cap", not_found_cap, not_found_initial, absl::Hours(24)),
      CheckRange("lease", lease, absl::Seconds(1), absl::Minutes(10)),
      CheckRange("poll_interval", poll_interval, absl::Milliseconds(10), absl::Minutes(5)),
      CheckRange("dead_letter_hold", dead_letter_hold, absl::Minutes(1), absl::Hours(24 * 365)),
      CheckRange("attempts_per_token", attempts_per_token, 1, 1000),
      CheckRange("attempts_max_rows", attempts_max_rows, 1000, 1'000'000'000),
      CheckRange("attempts_retention", attempts_retention, absl::Hours(1), absl::Hours(24 * 365)),
      CheckRange("resolve_waiters", resolve_waiters, 1, 100'000),
  });
}

CascadeOptions Config::Cascade() const {
  CascadeOptions options;
  options.capacity = static_cast<size_t>(capacity);
  options.max_parallel_calls = max_parallel_calls;
  options.linger = linger;
  options.linger_max = linger_max;
  options.budget_patience = budget_patience;
  options.retry = {retry_initial, retry_cap, max_attempts};
  options.negative_cache = {static_cast<size_t>(not_found_capacity), not_found_initial, not_found_cap};
  return options;
}

}  // namespace tokenwatch::resolver

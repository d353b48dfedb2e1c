#include "resolver/flags.h"

#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "common/config/secret.h"
#include "common/log/log.h"
#include "common/rpc/call_info.h"

namespace resolver = tokenwatch::resolver;

// One line for each flag that is a field of Config: the type, the field and the help. Defaults are Config's.
#define CONFIG_FLAGS(FLAG)                                                                                            \
  FLAG(std::string, dsn, "connection string of the platform database; --dsn_file keeps it from the process list")     \
  FLAG(std::string, expected_database, "refuse any database but this; empty: any that has the tables")                \
  FLAG(std::string, expected_role, "refuse any role but this; empty: any that is no superuser")                       \
  FLAG(int32_t, db_connections, "most connections to the database")                                                   \
  FLAG(std::string, detector, "host:port of the detector")                                                            \
  FLAG(std::string, claimant, "name under which tokens are claimed, unique per process; empty: host, pid and chance") \
  FLAG(std::vector<std::string>, sources, "sources in the order of asking: onchain, uri, dexscreener")                \
  FLAG(std::string, solana_rpc_url, "Solana JSON-RPC endpoint of source onchain")                                     \
  FLAG(std::string, dexscreener_url, "base address of source dexscreener, without a slash at its end")                \
  FLAG(std::string, ipfs_gateway_url, "what replaces ipfs:// in metadata addresses, with a slash at its end")         \
  FLAG(std::vector<std::string>, uri_allowed_addresses,                                                               \
       "IP addresses metadata may be fetched from although they are not public, on any port")                         \
  FLAG(std::vector<std::string>, uri_only_hosts, "hosts metadata may be fetched from; empty: any public one")         \
  FLAG(absl::Duration, source_timeout, "limit of one call to a source")                                               \
  FLAG(int64_t, uri_max_bytes, "largest metadata document")                                                           \
  FLAG(int64_t, onchain_budget_per_minute, "most calls a minute to source onchain")                                   \
  FLAG(int64_t, uri_budget_per_minute, "most calls a minute of source uri, over all hosts")                           \
  FLAG(int64_t, dexscreener_budget_per_minute, "most calls a minute to source dexscreener")                           \
  FLAG(std::string, http_proxy, "proxy for calls to sources; empty: direct")                                          \
  FLAG(int64_t, capacity, "most tokens in memory")                                                                    \
  FLAG(int32_t, max_parallel_calls, "most calls to one source at a time")                                             \
  FLAG(absl::Duration, linger, "how long a part of a batch waits for company")                                        \
  FLAG(absl::Duration, linger_max, "how long it waits while a full batch is in sight")                                \
  FLAG(absl::Duration, budget_patience, "a source without budget for longer is passed over and returned to")          \
  FLAG(int32_t, max_attempts, "rounds of attempts before a token is a dead letter")                                   \
  FLAG(absl::Duration, retry_initial, "bound of the first delay between rounds; doubled with each, full jitter")      \
  FLAG(absl::Duration, retry_cap, "bound of every delay between rounds")                                              \
  FLAG(int64_t, not_found_capacity, "most entries of the negative cache")                                             \
  FLAG(absl::Duration, not_found_initial, "how long a source that does not know a token is not asked again; doubled") \
  FLAG(absl::Duration, not_found_cap, "bound of that time")                                                           \
  FLAG(absl::Duration, lease, "how long a token is this replica's")                                                   \
  FLAG(absl::Duration, poll_interval, "how often to look for work that no event announced")                           \
  FLAG(absl::Duration, dead_letter_hold, "when the detector may offer a dead letter again")                           \
  FLAG(int32_t, attempts_per_token, "most attempts kept of one token")                                                \
  FLAG(int64_t, attempts_max_rows, "most attempts kept of all tokens")                                                \
  FLAG(absl::Duration, attempts_retention, "how long attempts are kept")                                              \
  FLAG(int64_t, resolve_waiters, "most Resolve calls that wait for their tokens")

#define DEFINE_FLAG(type, name, help) ABSL_FLAG(type, name, resolver::Config{}.name, help);
CONFIG_FLAGS(DEFINE_FLAG)
#undef DEFINE_FLAG

ABSL_FLAG(std::string, dsn_file, "", "file that holds the connection string of the platform database");

namespace tokenwatch::resolver {
namespace {

std::string NewClaimant() {
  char host[64] = "";
  // A name that is cut or missing is made up for by the rest.
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  return absl::StrCat("resolver-", host, "-", ::getpid(), "-", common::NewRequestId());
}

}  // namespace

absl::StatusOr<Config> ConfigFromFlags() {
  Config config;
#define READ_FLAG(type, name, help) config.name = absl::GetFlag(FLAGS_##name);
  CONFIG_FLAGS(READ_FLAG)
#undef READ_FLAG
  if (config.claimant.empty()) config.claimant = NewClaimant();
  const std::string dsn_file = absl::GetFlag(FLAGS_dsn_file);
  if (dsn_file.empty()) return config;
  if (!config.dsn.empty()) return absl::InvalidArgumentError("give --dsn or --dsn_file, not both");
  absl::StatusOr<std::string> dsn = common::ReadSecretFile(dsn_file);
  if (!dsn.ok()) return dsn.status();
  config.dsn = *std::move(dsn);
  return config;
}

}  // namespace tokenwatch::resolver

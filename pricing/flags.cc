#include "pricing/flags.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "common/config/secret.h"

namespace pricing = tokenwatch::pricing;

// One line for each flag that is a field of Config: the type, the field and the help. Defaults are Config's.
#define CONFIG_FLAGS(FLAG)                                                                                           \
  FLAG(std::string, dsn, "connection string of the platform database; --dsn_file keeps it from the process list")    \
  FLAG(std::string, expected_database, "refuse any database but this; empty: any that has the tables")               \
  FLAG(std::string, expected_role, "refuse any role but this; empty: any that is no superuser")                      \
  FLAG(int32_t, db_connections, "most connections to the database, the two that write not counted")                  \
  FLAG(std::string, detector, "host:port of the detector")                                                           \
  FLAG(std::string, consumer, "name under which the detector is told what of its log is not needed any more")        \
  FLAG(std::string, http_proxy, "proxy for calls to providers; empty: direct")                                       \
  FLAG(std::string, reference_file, "recorded references of quote assets, gzip or plain; empty: none")               \
  FLAG(absl::Duration, reference_interval, "how often providers are asked what quote assets are worth")              \
  FLAG(absl::Duration, reference_max_age, "a reference that is older than this at a trade's time does not price it") \
  FLAG(absl::Duration, flush_interval, "how often what is due is written")                                           \
  FLAG(int64_t, flush_rows, "most rows of one flush")                                                                \
  FLAG(int64_t, parted_series, "series of one flush from which on two sessions write it")                            \
  FLAG(absl::Duration, row_interval, "longest time, of the log, that a change waits for its row")                    \
  FLAG(absl::Duration, idle, "a series without trades for so long, of the log's time, leaves memory")                \
  FLAG(int64_t, max_hot, "most series in memory")                                                                    \
  FLAG(int64_t, max_hot_bytes, "most bytes that series in memory and their candles take")                            \
  FLAG(int64_t, max_dirty, "unwritten series at which the oldest are written without waiting")                       \
  FLAG(int64_t, persist_trades, "trades after which a series gets rows")                                             \
  FLAG(double, persist_usd, "USD of volume after which a series gets rows")                                          \
  FLAG(absl::Duration, stale_after, "a price that is older is graded as stale")                                      \
  FLAG(int32_t, max_streams, "streams of prices, and of requests, served at once")                                   \
  FLAG(absl::Duration, stream_stall, "a reader that takes nothing for so long is cut off")

// The same for fields of ProviderSettings.
#define PROVIDER_FLAGS(FLAG)                                                                  \
  FLAG(std::string, dexscreener_url, "base address of dexscreener")                           \
  FLAG(std::string, geckoterminal_url, "base address of geckoterminal")                       \
  FLAG(std::string, jupiter_url, "base address of jupiter")                                   \
  FLAG(std::string, coingecko_url, "base address of coingecko")                               \
  FLAG(std::string, coinmarketcap_url, "base address of coinmarketcap")                       \
  FLAG(std::string, solana_rpc_url, "JSON-RPC endpoint of onchain_solana")                    \
  FLAG(std::string, ethereum_rpc_url, "JSON-RPC endpoint of onchain_ethereum")                \
  FLAG(std::string, base_rpc_url, "JSON-RPC endpoint of onchain_base")                        \
  FLAG(std::string, bsc_rpc_url, "JSON-RPC endpoint of onchain_bsc")                          \
  FLAG(std::string, jupiter_key_file, "file with the API key of jupiter; empty: without one") \
  FLAG(std::string, coingecko_key_file, "file with the API key of coingecko")                 \
  FLAG(std::string, coinmarketcap_key_file, "file with the API key of coinmarketcap")         \
  FLAG(int64_t, dexscreener_budget_per_minute, "most calls a minute to dexscreener")          \
  FLAG(int64_t, geckoterminal_budget_per_minute, "most calls a minute to geckoterminal")      \
  FLAG(int64_t, jupiter_budget_per_minute, "most calls a minute to jupiter")                  \
  FLAG(int64_t, coingecko_budget_per_minute, "most calls a minute to coingecko")              \
  FLAG(int64_t, coinmarketcap_budget_per_minute, "most calls a minute to coinmarketcap")      \
  FLAG(int64_t, onchain_budget_per_minute, "most calls a minute to each of the chains' nodes")

#define DEFINE_FLAG(type, name, help) ABSL_FLAG(type, name, pricing::Config{}.name, help);
CONFIG_FLAGS(DEFINE_FLAG)
#undef DEFINE_FLAG
#define DEFINE_FLAG(type, name, help) ABSL_FLAG(type, name, pricing::ProviderSettings{}.name, help);
PROVIDER_FLAGS(DEFINE_FLAG)
#undef DEFINE_FLAG

ABSL_FLAG(std::string, dsn_file, "", "file that holds the connection string of the platform database");
ABSL_FLAG(std::vector<std::string>, providers, pricing::ProviderSettings{}.order,
          "price providers in the order of asking: dexscreener, geckoterminal, jupiter, coingecko, coinmarketcap, "
          "onchain_solana, onchain_ethereum, onchain_base, onchain_bsc; empty: nobody is asked");

namespace tokenwatch::pricing {

absl::StatusOr<Config> ConfigFromFlags() {
  Config config;
#define READ_FLAG(type, name, help) config.name = absl::GetFlag(FLAGS_##name);
  CONFIG_FLAGS(READ_FLAG)
#undef READ_FLAG
#define READ_FLAG(type, name, help) config.providers.name = absl::GetFlag(FLAGS_##name);
  PROVIDER_FLAGS(READ_FLAG)
#undef READ_FLAG
  config.providers.order = absl::GetFlag(FLAGS_providers);
  const std::string dsn_file = absl::GetFlag(FLAGS_dsn_file);
  if (dsn_file.empty()) return config;
  if (!config.dsn.empty()) return absl::InvalidArgumentError("give --dsn or --dsn_file, not both");
  absl::StatusOr<std::string> dsn = common::ReadSecretFile(dsn_file);
  if (!dsn.ok()) return dsn.status();
  config.dsn = *std::move(dsn);
  return config;
}

}  // namespace tokenwatch::pricing

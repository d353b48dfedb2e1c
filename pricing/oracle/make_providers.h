// The oracle providers of a configuration.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/http/client.h"
#include "common/time/clock.h"
#include "pricing/oracle/provider.h"
#include "pricing/oracle/providers/pool_price.h"

namespace tokenwatch::pricing {

struct ProviderSettings {
  // In the order of asking: any of "dexscreener", "geckoterminal", "jupiter", "coingecko", "coinmarketcap",
  // "onchain_solana", "onchain_ethereum", "onchain_base", "onchain_bsc".
  std::vector<std::string> order = {"dexscreener", "geckoterminal", "jupiter", "onchain_solana"};

  std::string dexscreener_url = "https://api.dexscreener.com";
  std::string geckoterminal_url = "https://api.geckoterminal.com/api/v2";
  std::string jupiter_url = "https://lite-api.jup.ag";
  std::string coingecko_url = "https://api.coingecko.com/api/v3";
  std::string coinmarketcap_url = "https://pro-api.coinmarketcap.com";
  std::string solana_rpc_url = "https://api.mainnet-beta.solana.com";
  // Of the chain's node; needed where the chain is in `order`.
  std::string ethereum_rpc_url;
  std::string base_rpc_url;
  std::string bsc_rpc_url;

  // Files with API keys. coingecko and coinmarketcap need theirs; jupiter allows more with one.
  std::string jupiter_key_file;
  std::string coingecko_key_file;
  std::string coinmarketcap_key_file;

  // Calls a minute; what the providers' headers say goes before these.
  int64_t dexscreener_budget_per_minute = 60;
  int64_t geckoterminal_budget_per_minute = 30;
  int64_t jupiter_budget_per_minute = 30;
  int64_t coingecko_budget_per_minute = 30;
  int64_t coinmarketcap_budget_per_minute = 30;
  int64_t onchain_budget_per_minute = 240;

  // INVALID_ARGUMENT names the setting, the value and what is allowed.
  absl::Status Validate() const;
};

// In the order of the settings, which are valid. Errors are those of the key files. `http` must be shut down before
// they end; `quote_usd` is thread-safe.
absl::StatusOr<std::vector<std::unique_ptr<Provider>>> MakeProviders(const ProviderSettings& settings,
                                                                     const QuoteUsd& quote_usd,
                                                                     common::HttpFetcher& http, common::Clock& clock);

}  // namespace tokenwatch::pricing

#include "resolver/sources/make_sources.h"

#include "common/http/address_guard.h"
#include "resolver/sources/dexscreener.h"
#include "resolver/sources/onchain.h"
#include "resolver/sources/uri.h"

namespace tokenwatch::resolver {
namespace {

HttpSourceOptions Options(const Config& config, int64_t per_minute) {
  HttpSourceOptions options;
  options.budget.requests = per_minute;
  options.budget.window = absl::Minutes(1);
  options.timeout = config.source_timeout;
  return options;
}

std::shared_ptr<const common::AddressGuard> Guard(const Config& config) {
  common::AddressGuardOptions options;
  options.gateways["ipfs"] = config.ipfs_gateway_url;
  options.allowed_addresses = config.uri_allowed_addresses;
  options.only_hosts = config.uri_only_hosts;
  // Whoever allows an address of their own runs a gateway there, on the port of their choice.
  options.allow_any_port = !config.uri_allowed_addresses.empty();
  return std::make_shared<const common::AddressGuard>(options);
}

}  // namespace

std::unique_ptr<common::HttpClient> MakeHttpClient(const Config& config, common::Clock& clock) {
  common::HttpClientOptions options;
  options.user_agent = "tokenwatch-resolver/0.1";
  options.total_timeout = config.source_timeout;
  options.proxy = config.http_proxy;
  options.max_in_flight = static_cast<size_t>(config.max_parallel_calls) * config.sources.size();
  options.max_connections_per_host = config.max_parallel_calls;
  options.max_idle_connections = 2 * config.max_parallel_calls;
  return std::make_unique<common::HttpClient>(options, clock);
}

std::vector<std::unique_ptr<Source>> MakeSources(const Config& config, common::HttpFetcher& http,
                                                 common::Clock& clock) {
  std::vector<std::unique_ptr<Source>> sources;
  for (const std::string& name : config.sources) {
    if (name == "onchain") {
      sources.push_back(std::make_unique<OnchainSource>(
          config.solana_rpc_url, Options(config, config.onchain_budget_per_minute), http, clock));
    } else if (name == "uri") {
      sources.push_back(std::make_unique<UriSource>(Guard(config), static_cast<size_t>(config.uri_max_bytes),
                                                    Options(config, config.uri_budget_per_minute), http, clock));
    } else if (name == "dexscreener") {
      sources.push_back(std::make_unique<DexScreenerSource>(
          config.dexscreener_url, Options(config, config.dexscreener_budget_per_minute), http, clock));
    }
  }
  return sources;
}

std::vector<Source*> Pointers(const std::vector<std::unique_ptr<Source>>& sources) {
  std::vector<Source*> pointers;
  for (const std::unique_ptr<Source>& source : sources) pointers.push_back(source.get());
  return pointers;
}

}  // namespace tokenwatch::resolver

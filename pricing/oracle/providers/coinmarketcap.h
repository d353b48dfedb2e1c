// Provider "coinmarketcap": CoinMarketCap's quotes of the assets that others are priced in. Needs a key.
//
// It goes by ids of its own, so it serves the assets of a table: wrapped native coins and stablecoins of each chain.
// They are what USD values are derived from. https://coinmarketcap.com/api/documentation/v1/
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pricing/oracle/providers/http_provider.h"

namespace tokenwatch::pricing {

// CoinMarketCap's id of a token in the table. Any thread.
std::optional<int64_t> CoinMarketCapId(const chain::TokenRef& token);

// Thread-safe.
class CoinMarketCapProvider final : public OneCallProvider {
 public:
  using OneCallProvider::OneCallProvider;

  absl::string_view name() const override { return "coinmarketcap"; }
  // 200 data points are one credit.
  size_t max_batch() const override { return 100; }
  bool Serves(const chain::TokenRef& token) const override { return CoinMarketCapId(token).has_value(); }

 protected:
  common::HttpRequest Request(const std::vector<chain::TokenRef>& tokens) const override;
  std::vector<ProviderAnswer> Read(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                   absl::Time heard_at) const override;
};

// The answers in a body of /cryptocurrency/quotes/latest: `data` by id, slug or symbol, of a coin or an array of coins.
// status.error_code counts even in HTTP 200. Pure; thread-safe.
std::vector<ProviderAnswer> ReadQuotes(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                       absl::Time heard_at);

}  // namespace tokenwatch::pricing

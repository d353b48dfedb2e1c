// Provider "coingecko": CoinGecko's on-chain token prices, 30 tokens of one network a call. Needs a key.
//
// https://docs.coingecko.com/reference/onchain-simple-price
#pragma once

#include <string>
#include <vector>

#include "pricing/oracle/providers/http_provider.h"

namespace tokenwatch::pricing {

// Thread-safe. A base URL of the pro API takes a pro key, any other a demo key.
class CoinGeckoProvider final : public OneCallProvider {
 public:
  using OneCallProvider::OneCallProvider;

  absl::string_view name() const override { return "coingecko"; }
  size_t max_batch() const override { return 30; }
  bool Serves(const chain::TokenRef& token) const override;

 protected:
  common::HttpRequest Request(const std::vector<chain::TokenRef>& tokens) const override;
  std::vector<ProviderAnswer> Read(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                   absl::Time heard_at) const override;
};

// The answers in a body of /onchain/simple/networks/{network}/token_price. An error may come with HTTP 200:
// {"status": {"error_code": ...}}. Tokens are of one chain. Pure; thread-safe.
std::vector<ProviderAnswer> ReadTokenPrices(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                            absl::Time heard_at);

}  // namespace tokenwatch::pricing

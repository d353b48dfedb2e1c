// Provider "geckoterminal": the public API of GeckoTerminal, 30 tokens of one network a call, with their top pools.
//
// https://apiguide.geckoterminal.com
#pragma once

#include <string>
#include <vector>

#include "pricing/oracle/providers/http_provider.h"

namespace tokenwatch::pricing {

// What GeckoTerminal and CoinGecko call a chain; empty for one they do not have.
absl::string_view GeckoNetwork(chain::Chain chain);

// Thread-safe.
class GeckoTerminalProvider final : public OneCallProvider {
 public:
  using OneCallProvider::OneCallProvider;

  absl::string_view name() const override { return "geckoterminal"; }
  size_t max_batch() const override { return 30; }
  bool Serves(const chain::TokenRef& token) const override { return !GeckoNetwork(token.chain).empty(); }

 protected:
  common::HttpRequest Request(const std::vector<chain::TokenRef>& tokens) const override;
  std::vector<ProviderAnswer> Read(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                   absl::Time heard_at) const override;
};

// The answers in a JSON:API body: "token" resources have the price, "pool" resources (in `data` or `included`) that of
// their base token. Tokens are of one chain. Pure; thread-safe.
std::vector<ProviderAnswer> ReadGeckoTerminal(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                              absl::Time heard_at);

}  // namespace tokenwatch::pricing

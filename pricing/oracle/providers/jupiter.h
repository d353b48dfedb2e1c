// Provider "jupiter": Jupiter's price API v3, 50 Solana tokens a call.
//
// https://dev.jup.ag/docs/price/v3
#pragma once

#include <string>
#include <vector>

#include "pricing/oracle/providers/http_provider.h"

namespace tokenwatch::pricing {

// Thread-safe. The API key is optional; without one the budget is to be half a request a second.
class JupiterProvider final : public OneCallProvider {
 public:
  using OneCallProvider::OneCallProvider;

  absl::string_view name() const override { return "jupiter"; }
  size_t max_batch() const override { return 50; }
  bool Serves(const chain::TokenRef& token) const override { return token.chain == chain::Chain::kSolana; }

 protected:
  common::HttpRequest Request(const std::vector<chain::TokenRef>& tokens) const override;
  std::vector<ProviderAnswer> Read(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                   absl::Time heard_at) const override;
};

// The answers in a body of /price/v3: an object by mint, in which mints without a price are left out. Pure;
// thread-safe.
std::vector<ProviderAnswer> ReadJupiterPrices(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                              absl::Time heard_at);

}  // namespace tokenwatch::pricing

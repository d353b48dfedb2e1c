// Provider "dexscreener": the public API of DexScreener, 30 tokens of one chain a call.
//
// https://docs.dexscreener.com/api/reference
#pragma once

#include <string>
#include <vector>

#include "pricing/oracle/providers/http_provider.h"

namespace tokenwatch::pricing {

// Thread-safe.
class DexScreenerProvider final : public OneCallProvider {
 public:
  using OneCallProvider::OneCallProvider;

  absl::string_view name() const override { return "dexscreener"; }
  size_t max_batch() const override { return 30; }
  bool Serves(const chain::TokenRef& token) const override { return token.chain != chain::Chain::kUnknown; }

 protected:
  common::HttpRequest Request(const std::vector<chain::TokenRef>& tokens) const override;
  std::vector<ProviderAnswer> Read(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                   absl::Time heard_at) const override;
};

// The answers in a body of /tokens/v1 (an array of pairs) or of the older endpoints ({"pairs": array or null}). A pair
// prices its base token, so one in which the token is the quote says nothing. Pure; thread-safe.
std::vector<ProviderAnswer> ReadPairs(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                      absl::Time heard_at);

}  // namespace tokenwatch::pricing

// Provider "onchain_solana": the reserves of pump.fun bonding curves, by JSON-RPC, 100 tokens a call.
#pragma once

#include <string>
#include <vector>

#include "pricing/oracle/providers/http_provider.h"
#include "pricing/oracle/providers/pool_price.h"

namespace tokenwatch::pricing {

// Thread-safe. The base URL is the node's.
class SolanaOnchainProvider final : public OneCallProvider {
 public:
  SolanaOnchainProvider(HttpProviderOptions options, QuoteUsd quote_usd, common::HttpFetcher& http,
                        common::Clock& clock);

  absl::string_view name() const override { return "onchain_solana"; }
  // What getMultipleAccounts takes.
  size_t max_batch() const override { return 100; }
  bool Serves(const chain::TokenRef& token) const override { return token.chain == chain::Chain::kSolana; }

 protected:
  common::HttpRequest Request(const std::vector<chain::TokenRef>& tokens) const override;
  std::vector<ProviderAnswer> Read(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                   absl::Time heard_at) const override;

 private:
  const QuoteUsd quote_usd_;
};

// The answers in the body of a getMultipleAccounts response about the bonding curves of the tokens. A token without a
// curve is not known; a curve that is complete has no price, as its reserves are zeroed. Thread-safe.
std::vector<ProviderAnswer> ReadCurves(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                       const QuoteUsd& quote_usd, absl::Time heard_at);

}  // namespace tokenwatch::pricing

// Provider "onchain_<chain>": the reserves of Uniswap V2 and V3 pools (and their like) of one EVM chain, by JSON-RPC.
//
// A token's pools and decimals are found once, with one call for a batch of tokens, and remembered; then each question
// is one call. A question about new tokens costs two calls of the budget.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "common/cache/two_rate_cache.h"
#include "common/sync/mutex.h"
#include "pricing/oracle/providers/evm_exchanges.h"
#include "pricing/oracle/providers/http_provider.h"
#include "pricing/oracle/providers/pool_price.h"

namespace tokenwatch::pricing {

// A pool that is worth less says nothing, whatever price it shows.
inline constexpr double kLeastPoolUsd = 100;

// Thread-safe. The base URL is the node's.
class EvmOnchainProvider final : public HttpProvider {
 public:
  // `chain` is an EVM chain.
  EvmOnchainProvider(chain::Chain chain, HttpProviderOptions options, QuoteUsd quote_usd, common::HttpFetcher& http,
                     common::Clock& clock);

  absl::string_view name() const override { return name_; }
  // Each takes some ten calls, and nodes take a hundred at once.
  size_t max_batch() const override { return 10; }
  bool Serves(const chain::TokenRef& token) const override { return token.chain == chain_; }
  void Ask(const std::vector<chain::TokenRef>& tokens, absl::Time deadline, ProviderCallback done) override
      TW_EXCLUDES(mutex_);

  struct Pool {
    evm::PoolKind kind = evm::PoolKind::kV2;
    absl::string_view venue;
    chain::Address address;
    evm::QuoteAsset quote;
  };
  struct Known {
    int decimals = 0;
    std::vector<Pool> pools;
    absl::Time until = absl::InfinitePast();
  };

 private:
  using Tokens = std::vector<chain::TokenRef>;

  // What is remembered of each token; one that is to be found again is not `until` now.
  std::vector<Known> Recall(const Tokens& tokens) TW_EXCLUDES(mutex_);
  void AskPools(const Tokens& tokens, std::vector<Known> known, absl::Time deadline, ProviderCallback done);
  common::HttpRequest FindRequest(const Tokens& tokens) const;
  common::HttpRequest StateRequest(const std::vector<Known>& known) const;
  // What is wrong with the answer as a whole; empty when nothing is, and what it told is remembered.
  std::vector<ProviderAnswer> LearnPools(const Tokens& tokens, const std::string& body) TW_EXCLUDES(mutex_);
  std::vector<ProviderAnswer> ReadState(const Tokens& tokens, const std::vector<Known>& known, const std::string& body,
                                        absl::Time heard_at) const;
  void ReadPools(const chain::TokenRef& token, const Known& known,
                 absl::Span<const std::optional<std::vector<WideInteger>>> results, absl::Time heard_at,
                 ProviderAnswer& answer) const;

  const chain::Chain chain_;
  const std::string name_;
  const evm::Exchanges& exchanges_;
  const QuoteUsd quote_usd_;
  common::Mutex mutex_;
  common::TwoRateCache<chain::TokenRef, Known> known_ TW_GUARDED_BY(mutex_);
};

}  // namespace tokenwatch::pricing

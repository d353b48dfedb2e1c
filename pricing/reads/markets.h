// Where a token trades, from what is known: the venues of its series, and what oracle sources said lately.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "chain/address.h"
#include "common/sync/mutex.h"
#include "pricing/oracle/observation.h"
#include "pricing/price.h"
#include "pricing/price_view.h"
#include "pricing/reads/series_reader.h"

namespace tokenwatch::pricing {

// What oracle sources said about tokens, the found ones. Thread-safe; the tokens heard of longest ago are forgotten
// first.
class OracleMemory {
 public:
  explicit OracleMemory(size_t capacity) : capacity_(capacity) {}
  void Remember(const chain::TokenRef& token, const std::vector<SourceReport>& reports) TW_EXCLUDES(mutex_);
  std::vector<SourceReport> Find(const chain::TokenRef& token) const TW_EXCLUDES(mutex_);

 private:
  const size_t capacity_;
  mutable common::Mutex mutex_;
  absl::flat_hash_map<chain::TokenRef, std::vector<SourceReport>> reports_ TW_GUARDED_BY(mutex_);
  // The keys of reports_ in the order they came.
  std::deque<chain::TokenRef> order_ TW_GUARDED_BY(mutex_);
};

struct Market {
  Word venue;
  chain::Address quote;
  std::string pool;
  Word source;
  // nullopt while no trade there was a price.
  std::optional<Price> price;
  std::optional<Reserves> reserves;
  // Of trades seen; nullopt for markets that an oracle told of.
  std::optional<chain::Amount> quote_volume;
  uint64_t trades = 0;
  std::optional<double> liquidity_usd;
  // Of the newest price.
  std::optional<absl::Time> updated_at;
};

struct TokenMarkets {
  // The most liquid first and those of unknown liquidity last.
  std::vector<Market> markets;
  // What the venues among them are part of, the newest first.
  std::vector<Series> series;
};
// Blocks; errors of the reader.
absl::StatusOr<TokenMarkets> MarketsOf(const chain::TokenRef& token, const SeriesReader& series, const PriceView& view,
                                       const OracleMemory& memory, absl::Time now, absl::Time deadline);

// USD in the pool: twice its quote side, as both sides of a pool are worth the same. nullopt when the pool, the
// decimals of the quote asset or its reference are not known.
std::optional<double> PoolUsd(const Price& price, const PriceView& view);

}  // namespace tokenwatch::pricing

// The chain of providers behind one question: what is this token worth in USD, and who says so?
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "chain/address.h"
#include "pricing/oracle/observation.h"

namespace tokenwatch::pricing {

enum class Policy : uint8_t { kFirstGood = 1, kAggregate = 2 };

struct OracleQuestion {
  chain::TokenRef token;
  Policy policy = Policy::kFirstGood;
  // For kAggregate.
  int min_sources = 2;
  // Observations made (where the source says when), else heard, longer ago are not good enough.
  absl::Duration max_age = absl::InfiniteDuration();
  absl::Time deadline = absl::InfiniteFuture();
  // Do not answer from the cache, and ask also sources that did not know the token lately.
  bool refresh = false;
};

struct OracleAnswer {
  // nullopt: no source, or not enough of them, had a price.
  std::optional<double> usd;
  // Why there is none; empty when there is one.
  std::string reason;
  // Half width of the band around usd that holds all used sources; nullopt for a single one.
  std::optional<double> confidence_bps;
  // Enough sources agree so closely that none alone can have moved the price (see kQuorumSpreadBps in aggregate.h).
  bool is_quorum = false;
  // All that were heard, the used ones first.
  std::vector<SourceReport> sources;
  // The newest of the used ones.
  absl::Time event_time = absl::InfinitePast();
  // Answered from the cache, and past its freshness: a fresh one is being fetched.
  bool is_stale = false;
  // The largest that a used source told of: they look at the same pools.
  std::optional<double> liquidity_usd;
};
// Called exactly once, from any thread.
using OracleCallback = std::function<void(OracleAnswer)>;

struct ProviderState {
  std::string name;
  std::string breaker;  // "closed", "open", "half_open"
  int64_t calls = 0;
  int64_t failures = 0;
  int budget_remaining = 0;
  int budget_limit = 0;
  absl::Time closed_until = absl::InfinitePast();
};

// What the service asks. Thread-safe.
class Oracle {
 public:
  virtual ~Oracle() = default;
  virtual void Ask(const OracleQuestion& question, OracleCallback done) = 0;
  // The same for many, batched to what the providers take; answers in the order of the questions.
  virtual void AskMany(const std::vector<OracleQuestion>& questions,
                       std::function<void(std::vector<OracleAnswer>)> done) = 0;
  virtual std::vector<ProviderState> providers() const = 0;
};

}  // namespace tokenwatch::pricing

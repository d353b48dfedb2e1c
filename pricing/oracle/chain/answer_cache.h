// What was last found out about tokens, bounded. Thread-safe.
#pragma once

#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "chain/address.h"
#include "common/cache/two_rate_cache.h"
#include "common/sync/mutex.h"
#include "pricing/oracle/observer.h"
#include "pricing/oracle/oracle.h"

namespace tokenwatch::pricing {

struct AnswerCacheOptions {
  size_t capacity = 500;
  // Answered without asking anybody.
  absl::Duration fresh_for = absl::Seconds(5);
  // Beyond that, for so long, answered while a fresh one is fetched.
  absl::Duration stale_for = absl::Seconds(60);
  // A fetch for a stale answer that failed is not repeated sooner.
  absl::Duration refetch_interval = absl::Seconds(1);
};

class AnswerCache {
 public:
  AnswerCache(const AnswerCacheOptions& options, OracleObserver& observer);

  struct Hit {
    OracleAnswer answer;
    // The caller is to fetch a fresh one: told to one of those who ask for a stale answer.
    bool fetch = false;
  };
  // An answer that is good enough for the question, marked when it is stale. One to kAggregate is good enough for
  // kFirstGood.
  std::optional<Hit> Find(const OracleQuestion& question, absl::Time now) TW_EXCLUDES(mutex_);
  // Keeps an answer that has a price.
  void Put(const OracleQuestion& question, const OracleAnswer& answer, absl::Time now) TW_EXCLUDES(mutex_);

  size_t size() const TW_EXCLUDES(mutex_);

 private:
  struct Entry {
    OracleAnswer answer;
    Policy policy = Policy::kFirstGood;
    int used = 0;
    absl::Time kept_at;
    // When the oldest observation in use was made.
    absl::Time made_at;
    absl::Time next_fetch;
  };

  const AnswerCacheOptions options_;
  OracleObserver& observer_;
  mutable common::Mutex mutex_;
  common::TwoRateCache<chain::TokenRef, Entry> entries_ TW_GUARDED_BY(mutex_);
};

}  // namespace tokenwatch::pricing

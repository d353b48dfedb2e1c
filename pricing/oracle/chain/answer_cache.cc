#include "pricing/oracle/chain/answer_cache.h"

#include <algorithm>

namespace tokenwatch::pricing {

AnswerCache::AnswerCache(const AnswerCacheOptions& options, OracleObserver& observer)
    : options_(options), observer_(observer), entries_({.capacity = options.capacity}) {}

std::optional<AnswerCache::Hit> AnswerCache::Find(const OracleQuestion& question, absl::Time now) {
  common::MutexLock lock(mutex_);
  Entry* const entry = entries_.Find(question.token);
  if (entry == nullptr || question.refresh) return std::nullopt;
  const absl::Duration age = now - entry->kept_at;
  if (age >= options_.fresh_for + options_.stale_for || now - entry->made_at > question.max_age) return std::nullopt;
  if (question.policy == Policy::kAggregate &&
      (entry->policy != Policy::kAggregate || entry->used < question.min_sources)) {
    return std::nullopt;
  }
  Hit hit{entry->answer};
  hit.answer.is_stale = age >= options_.fresh_for;
  if (hit.answer.is_stale && now >= entry->next_fetch) {
    entry->next_fetch = now + options_.refetch_interval;
    hit.fetch = true;
  }
  return hit;
}

void AnswerCache::Put(const OracleQuestion& question, const OracleAnswer& answer, absl::Time now) {
  if (!answer.usd.has_value()) return;
  Entry entry{answer, question.policy, 0, now, absl::InfiniteFuture(), absl::InfinitePast()};
  for (const SourceReport& report : answer.sources) {
    if (!report.used || !report.observation.has_value()) continue;
    ++entry.used;
    const Observation& observation = *report.observation;
    entry.made_at = std::min(entry.made_at, observation.made_at());
  }
  const absl::Time expires_at = now + options_.fresh_for + options_.stale_for;
  common::MutexLock lock(mutex_);
  // Asking is counted by Find; this is no asking.
  const Entry* const known = entries_.Peek(question.token);
  const bool is_better = known != nullptr && known->policy == Policy::kAggregate &&
                         question.policy != Policy::kAggregate && now - known->kept_at < options_.fresh_for;
  if (is_better) return;
  const uint64_t evicted = entries_.evicted();
  const uint64_t alive = entries_.evicted_alive();
  entries_.Put(question.token, std::move(entry), expires_at, now);
  if (entries_.evicted() > evicted) observer_.OnEvicted(entries_.evicted_alive() > alive);
}

size_t AnswerCache::size() const {
  common::MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace tokenwatch::pricing

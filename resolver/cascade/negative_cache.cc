#include "resolver/cascade/negative_cache.h"

#include <algorithm>
#include <utility>

namespace tokenwatch::resolver {

std::optional<absl::Time> NegativeCache::Until(int source, const TokenRef& token, absl::Time now) const {
  const auto found = entries_.find(Key{source, token});
  if (found == entries_.end() || found->second.until <= now) return std::nullopt;
  return found->second.until;
}

absl::Time NegativeCache::Record(int source, const TokenRef& token, absl::Time now) {
  const Key key{source, token};
  const auto found = entries_.find(key);
  if (found != entries_.end()) {
    Entry& entry = found->second;
    entry.span = std::min(entry.span * 2, options_.cap);
    entry.until = now + entry.span;
    by_age_.splice(by_age_.end(), by_age_, entry.age);
    return entry.until;
  }
  if (entries_.size() >= options_.capacity && !by_age_.empty()) {
    entries_.erase(by_age_.front());
    by_age_.pop_front();
    ++evicted_;
  }
  by_age_.push_back(key);
  const absl::Duration span = std::min(options_.initial, options_.cap);
  entries_.emplace(key, Entry{now + span, span, std::prev(by_age_.end())});
  return now + span;
}

void NegativeCache::Forget(int sources, const TokenRef& token) {
  for (int source = 0; source < sources; ++source) {
    const auto found = entries_.find(Key{source, token});
    if (found == entries_.end()) continue;
    by_age_.erase(found->second.age);
    entries_.erase(found);
  }
}

void NegativeCache::Clear() {
  entries_.clear();
  by_age_.clear();
}

}  // namespace tokenwatch::resolver

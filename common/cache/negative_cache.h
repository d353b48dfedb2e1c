// Remembers that a source did not know a key, so that it is not asked again too soon.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace tokenwatch::common {

struct NegativeCacheOptions {
  size_t capacity = 100'000;                  // entries; the least recently told is forgotten first
  absl::Duration initial = absl::Minutes(1);  // after the first "not found"
  absl::Duration cap = absl::Hours(1);        // doubled with each further one up to this
};

// `Key` is hashed by Abseil. Not thread-safe.
template <typename Key>
class NegativeCache {
 public:
  using Options = NegativeCacheOptions;

  explicit NegativeCache(const Options& options) : options_(options) {}

  // Until when `source` (an index chosen by the caller) need not be asked about `key`; nothing when it may be.
  std::optional<absl::Time> Until(int source, const Key& key, absl::Time now) const {
    const auto found = entries_.find(Asked{source, key});
    if (found == entries_.end() || found->second.until <= now) return std::nullopt;
    return found->second.until;
  }

  // The source does not know the key. Returns until when it will not be asked.
  absl::Time Record(int source, const Key& key, absl::Time now) {
    const Asked asked{source, key};
    const auto found = entries_.find(asked);
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
    by_age_.push_back(asked);
    const absl::Duration span = std::min(options_.initial, options_.cap);
    entries_.emplace(asked, Entry{now + span, span, std::prev(by_age_.end())});
    return now + span;
  }

  // Forgets what `source` told about `key`.
  void ForgetOne(int source, const Key& key) {
    const auto found = entries_.find(Asked{source, key});
    if (found == entries_.end()) return;
    by_age_.erase(found->second.age);
    entries_.erase(found);
  }
  // Forgets what was told about `key` by sources 0 to `sources` - 1.
  void Forget(int sources, const Key& key) {
    for (int source = 0; source < sources; ++source) ForgetOne(source, key);
  }

  void Clear() {
    entries_.clear();
    by_age_.clear();
  }

  size_t size() const { return entries_.size(); }
  size_t capacity() const { return options_.capacity; }
  // Entries forgotten because the cache was full.
  uint64_t evicted() const { return evicted_; }

 private:
  struct Asked {
    int source;
    Key key;
    friend bool operator==(const Asked&, const Asked&) = default;
    template <typename H>
    friend H AbslHashValue(H state, const Asked& asked) {
      return H::combine(std::move(state), asked.source, asked.key);
    }
  };
  struct Entry {
    absl::Time until;
    absl::Duration span;
    typename std::list<Asked>::iterator age;
  };

  const Options options_;
  absl::flat_hash_map<Asked, Entry> entries_;
  std::list<Asked> by_age_;  // oldest first
  uint64_t evicted_ = 0;
};

}  // namespace tokenwatch::common

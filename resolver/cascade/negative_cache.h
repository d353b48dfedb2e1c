// Remembers that a source did not know a token, so that it is not asked again too soon.
#pragma once

#include <cstdint>
#include <list>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "resolver/token.h"

namespace tokenwatch::resolver {

// Not thread-safe.
class NegativeCache {
 public:
  struct Options {
    size_t capacity = 100'000;                  // entries; the least recently told is forgotten first
    absl::Duration initial = absl::Minutes(1);  // after the first "not found"
    absl::Duration cap = absl::Hours(1);        // doubled with each further one up to this
  };

  explicit NegativeCache(const Options& options) : options_(options) {}

  // Until when `source` (an index chosen by the caller) need not be asked about `token`; nothing when it may be.
  std::optional<absl::Time> Until(int source, const TokenRef& token, absl::Time now) const;
  // The source does not know the token. Returns until when it will not be asked.
  absl::Time Record(int source, const TokenRef& token, absl::Time now);
  // Forgets what was told about `token` by sources 0 to `sources` - 1.
  void Forget(int sources, const TokenRef& token);

  void Clear();

  size_t size() const { return entries_.size(); }
  size_t capacity() const { return options_.capacity; }
  // Entries forgotten because the cache was full.
  uint64_t evicted() const { return evicted_; }

 private:
  struct Key {
    int source;
    TokenRef token;
    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H state, const Key& key) {
      return H::combine(std::move(state), key.source, key.token);
    }
  };
  struct Entry {
    absl::Time until;
    absl::Duration span;
    std::list<Key>::iterator age;
  };

  const Options options_;
  absl::flat_hash_map<Key, Entry> entries_;
  std::list<Key> by_age_;  // oldest first
  uint64_t evicted_ = 0;
};

}  // namespace tokenwatch::resolver

// What quote assets are worth in USD, by event time: pinned values, so that what is derived from them is the same each
// time it is derived.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "chain/address.h"
#include "common/sync/mutex.h"
#include "pricing/trade.h"

namespace tokenwatch::pricing {

struct Reference {
  chain::TokenRef asset;
  absl::Time event_time;
  // Plain decimal text as the source wrote it, more than zero.
  std::string usd;
  Word source;

  friend bool operator==(const Reference&, const Reference&) = default;
};

// Whether the text is what a reference may hold: digits with at most one point, more than zero, at most 64 bytes.
bool IsPositiveDecimal(absl::string_view text);

// Thread-safe. Keeps at most `capacity` references of each asset, the newest by event time.
class ReferenceBook {
 public:
  explicit ReferenceBook(size_t capacity);

  // False for one that is known already, or is no positive number. Of two with the same asset and time the source that
  // is first in the alphabet holds.
  bool Add(const Reference& reference) TW_EXCLUDES(mutex_);
  // The newest at or before `at` and not older than `max_age` then.
  std::optional<Reference> Find(const chain::TokenRef& asset, absl::Time at, absl::Duration max_age) const
      TW_EXCLUDES(mutex_);
  // The same, with the times (from `from` to before `until`) at which the answer is this one, as long as nothing is
  // added.
  struct Span {
    std::optional<Reference> reference;
    absl::Time from;
    absl::Time until;
  };
  Span FindSpan(const chain::TokenRef& asset, absl::Time at, absl::Duration max_age) const TW_EXCLUDES(mutex_);
  // The newest of each asset, in order of the assets.
  std::vector<Reference> Newest() const TW_EXCLUDES(mutex_);

 private:
  const size_t capacity_;
  mutable common::Mutex mutex_;
  // Of each asset in order of event time.
  absl::flat_hash_map<chain::TokenRef, std::deque<Reference>> by_asset_ TW_GUARDED_BY(mutex_);
};

}  // namespace tokenwatch::pricing

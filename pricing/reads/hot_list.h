// The ranking of tokens by a score that fades with event time. The same log gives the same ranking.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "chain/chain.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "pricing/fold/hot_set.h"
#include "pricing/fold/series.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

struct HotRank {
  SeriesKey key;
  // Quote volume in whole quote units, faded to the ranking's `as_of`.
  double score = 0;
};

struct HotRanking {
  chain::Chain chain = chain::Chain::kUnknown;
  // How far the log was folded, and its newest event.
  uint64_t cursor = 0;
  absl::Time as_of;
  // Hottest first; of equal scores the token that comes first. A token is in it once, by its hottest series: volumes in
  // different quote assets cannot be added.
  std::vector<HotRank> ranks;
};

// Thread-safe.
class HotList {
 public:
  struct Options {
    // Places of a ranking.
    size_t depth = 10'000;
    // A ranking serves for so long (of the wall clock) although the log went on.
    absl::Duration max_age = absl::Seconds(1);
    // Rankings remembered, so that the pages of a list are of one.
    size_t remembered = 8;
  };

  HotList(const Options& options, const HotSet& hot, common::Clock& clock)
      : options_(options), hot_(hot), clock_(clock) {}

  // The ranking of a chain (kUnknown: of all) as of where the fold stands.
  std::shared_ptr<const HotRanking> Newest(chain::Chain chain, const Checkpoint& position) TW_EXCLUDES(mutex_);
  // The one at that cursor, if it was given out lately; null when it is forgotten.
  std::shared_ptr<const HotRanking> Find(chain::Chain chain, uint64_t cursor) const TW_EXCLUDES(mutex_);

 private:
  struct Remembered {
    std::shared_ptr<const HotRanking> ranking;
    absl::Time made_at;
  };
  std::shared_ptr<const HotRanking> Rank(chain::Chain chain, const Checkpoint& position) const;

  const Options options_;
  const HotSet& hot_;
  common::Clock& clock_;
  mutable common::Mutex mutex_;
  // Newest last.
  std::deque<Remembered> remembered_ TW_GUARDED_BY(mutex_);
};

}  // namespace tokenwatch::pricing

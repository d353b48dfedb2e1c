// How often one upstream may be asked: a sliding window that is never overdrawn, corrected by what the upstream says.
//
// The window is exact: in no span of `window` are more than `requests` granted, wherever the span begins. (A leaky
// bucket lets through up to twice its size.) Headers of answers are believed over the configuration:
//   - a limit with its own window replaces both numbers; one without a window lowers the limit, and raises it only
//     together with a remaining count and a reset time within the window;
//   - a remaining count caps what is granted until its reset time;
//   - 429, and 503 with Retry-After, close the budget until the time named, or for a guess that doubles.
//
// Thread-safe. All times are of the injected clock; a clock that steps back is taken to stand still until it has
// caught up.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "absl/time/time.h"
#include "common/http/message.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"

namespace tokenwatch::common {

struct RateBudgetOptions {
  // At least 1.
  std::int64_t requests = 60;
  absl::Duration window = absl::Minutes(1);
  // Added to the window. The server counts arrivals: of two requests that left a window apart the first may have
  // travelled longer, and the server then sees them closer together.
  absl::Duration margin = absl::Milliseconds(250);
  // For a 429 that names no time: the first guess, doubled with each further one.
  absl::Duration guess_initial = absl::Seconds(5);
  absl::Duration guess_cap = absl::Minutes(10);
  // Longest closing and farthest reset time that is believed.
  absl::Duration max_closed = absl::Hours(24);
};

// What is worth showing, and worth keeping over a restart.
struct RateBudgetState {
  // In force now.
  std::int64_t limit = 0;
  absl::Duration window = {};
  // Granted within the last window, and when the last of them was.
  std::int64_t used = 0;
  absl::Time last_grant = absl::InfinitePast();
  // What the upstream said is left, less what was granted since; good until `reset_at`.
  std::optional<std::int64_t> remaining = {};
  absl::Time reset_at = absl::InfinitePast();
  absl::Time closed_until = absl::InfinitePast();
  // 429s in a row that named no time.
  int guesses = 0;
};

struct RateGrant {
  bool granted = false;
  // When to ask again, if not granted: no earlier attempt can succeed. InfiniteFuture: never, more was asked for than
  // the limit.
  absl::Time retry_at = absl::InfinitePast();
};

class RateBudget {
 public:
  // `clock` must outlive the budget.
  explicit RateBudget(RateBudgetOptions options, Clock& clock = SystemClock::Instance());

  // Takes `count` (at least 1) requests, all or none.
  RateGrant TryTake(std::int64_t count = 1);

  // To be called with each answer. `sent_at`: when its request was granted; grants since then are taken not to be
  // in the counts of this answer.
  void Observe(int status_code, const HttpHeaders& headers, absl::Time sent_at);

  RateBudgetState state() const;

  // Continues from a saved state; the requests used then count as made at its `last_grant`.
  void Restore(const RateBudgetState& saved);

 private:
  struct Grants {
    absl::Time at;
    std::int64_t count;
  };

  absl::Time Now() const TW_REQUIRES(mutex_);
  void Expire(absl::Time now) const TW_REQUIRES(mutex_);
  void ObserveCounts(const struct RateHeaders& headers, absl::Time now, absl::Time sent_at) TW_REQUIRES(mutex_);
  void Close(std::optional<absl::Time> named, absl::Time now, absl::Time sent_at) TW_REQUIRES(mutex_);
  absl::Duration Span() const TW_REQUIRES(mutex_) { return window_ + options_.margin; }

  const RateBudgetOptions options_;
  Clock& clock_;

  mutable Mutex mutex_;
  mutable absl::Time latest_ TW_GUARDED_BY(mutex_) = absl::InfinitePast();
  std::int64_t limit_ TW_GUARDED_BY(mutex_);
  absl::Duration window_ TW_GUARDED_BY(mutex_);
  // Within the window, oldest first; at most kMaxEntries.
  mutable std::deque<Grants> grants_ TW_GUARDED_BY(mutex_);
  mutable std::int64_t used_ TW_GUARDED_BY(mutex_) = 0;
  mutable std::optional<std::int64_t> remaining_ TW_GUARDED_BY(mutex_);
  mutable absl::Time reset_at_ TW_GUARDED_BY(mutex_) = absl::InfinitePast();
  absl::Time last_grant_ TW_GUARDED_BY(mutex_) = absl::InfinitePast();
  absl::Time closed_until_ TW_GUARDED_BY(mutex_) = absl::InfinitePast();
  // When the last closing was ordered: answers to requests from before it tell nothing new.
  absl::Time closed_at_ TW_GUARDED_BY(mutex_) = absl::InfinitePast();
  int guesses_ TW_GUARDED_BY(mutex_) = 0;
};

}  // namespace tokenwatch::common

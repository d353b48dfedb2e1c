// One server that is asked over HTTP again and again: how often it may be, and what an answer means for asking again.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/http/budget.h"
#include "common/http/message.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"

namespace tokenwatch::common {

enum class UpstreamOutcome : std::uint8_t {
  kAnswered,     // 200; whether the body is of use is for its reader to say
  kNotFound,     // 404, 410
  kRateLimited,  // 429
  kTimeout,      // no answer in time; 408, 504
  kUnavailable,  // no connection, or a connection lost; other 5xx
  kUnusable,     // larger than the request allows
  kRefused,      // the request may not be sent, or is not wanted: every other status
};

// Of the result of a fetch. Pure; thread-safe.
UpstreamOutcome OutcomeOf(const absl::StatusOr<HttpResponse>& result);
// One line for people on the result: the error's message, or "HTTP 503". Empty for kAnswered.
std::string DetailOf(const absl::StatusOr<HttpResponse>& result);

// What is left of a budget, to be shown and to be kept over a restart.
struct UpstreamBudget {
  int remaining = 0;
  int limit = 0;
  // Calls within the present window, and when the last of them was.
  int used = 0;
  absl::Time last_used_at = absl::InfinitePast();
  // Closed by the server, or by CloseUntil, until then; InfinitePast when open.
  absl::Time closed_until = absl::InfinitePast();

  friend bool operator==(const UpstreamBudget&, const UpstreamBudget&) = default;
};

// A RateBudget that others may close too: a replica that was told so, an error body in a 200. Thread-safe.
class Upstream {
 public:
  // `clock` must outlive the upstream.
  Upstream(const RateBudgetOptions& options, Clock& clock);

  // Takes one call, if there is one.
  RateGrant TryTake() TW_EXCLUDES(mutex_);
  // Keeps it closed until then, if it is not closed for longer.
  void CloseUntil(absl::Time until) TW_EXCLUDES(mutex_);
  // To be called with each answer; `sent_at` as RateBudget::Observe says.
  void Observe(int status_code, const HttpHeaders& headers, absl::Time sent_at);

  UpstreamBudget budget() const TW_EXCLUDES(mutex_);
  // Continues from what an earlier run left. Before the first TryTake.
  void Restore(const UpstreamBudget& saved) TW_EXCLUDES(mutex_);

 private:
  Clock& clock_;
  RateBudget budget_;
  mutable Mutex mutex_;
  absl::Time closed_until_ TW_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace tokenwatch::common

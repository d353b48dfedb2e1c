#include "common/http/budget.h"

#include <algorithm>

#include "common/http/rate_headers.h"

namespace tokenwatch::common {
namespace {

// Beyond that many, grants are counted together under the time of the latest, which errs to the safe side.
constexpr std::size_t kMaxEntries = 4096;
// A policy's window beyond that is a daily or monthly quota; the sliding window is not kept that long, and the
// remaining count and 429 are obeyed all the same.
constexpr absl::Duration kMaxWindow = absl::Hours(1);
// 2^20 times any first guess is past any cap.
constexpr int kMaxDoublings = 20;

}  // namespace

RateBudget::RateBudget(RateBudgetOptions options, Clock& clock)
    : options_(options), clock_(clock), limit_(std::max<std::int64_t>(1, options.requests)), window_(options.window) {}

absl::Time RateBudget::Now() const {
  latest_ = std::max(latest_, clock_.Now());
  return latest_;
}

void RateBudget::Expire(absl::Time now) const {
  while (!grants_.empty() && grants_.front().at + Span() <= now) {
    used_ -= grants_.front().count;
    grants_.pop_front();
  }
  if (remaining_ && now >= reset_at_) remaining_.reset();
}

RateGrant RateBudget::TryTake(std::int64_t count) {
  MutexLock lock(mutex_);
  const absl::Time now = Now();
  Expire(now);
  if (count > limit_) return {.granted = false, .retry_at = absl::InfiniteFuture()};
  absl::Time retry_at = closed_until_;
  if (remaining_ && *remaining_ < count) retry_at = std::max(retry_at, reset_at_);
  std::int64_t used = used_;
  for (const Grants& grants : grants_) {
    if (used + count <= limit_) break;
    used -= grants.count;
    retry_at = std::max(retry_at, grants.at + Span());
  }
  if (retry_at > now) return {.granted = false, .retry_at = retry_at};
  if (grants_.size() >= kMaxEntries || (!grants_.empty() && grants_.back().at == now)) {
    grants_.back().count += count;
    grants_.back().at = now;
  } else {
    grants_.push_back({now, count});
  }
  used_ += count;
  last_grant_ = now;
  if (remaining_) *remaining_ -= count;
  return {.granted = true};
}

void RateBudget::Observe(int status_code, const HttpHeaders& headers, absl::Time sent_at) {
  MutexLock lock(mutex_);
  const absl::Time now = Now();
  Expire(now);
  const RateHeaders said = ParseRateHeaders(headers, now);
  ObserveCounts(said, now, sent_at);
  if (status_code == 429) {
    // Where there is no Retry-After, the reset time of an exhausted count is the time named.
    const bool exhausted = said.remaining == 0 && said.reset_at.has_value();
    Close(said.retry_at ? said.retry_at : (exhausted ? said.reset_at : std::nullopt), now, sent_at);
  } else if (status_code == 503 && said.retry_at) {
    Close(said.retry_at, now, sent_at);
  } else if (sent_at >= closed_at_) {
    guesses_ = 0;
  }
}

void RateBudget::ObserveCounts(const RateHeaders& said, absl::Time now, absl::Time sent_at) {
  const absl::Time farthest = now + options_.max_closed;
  if (said.limit && *said.limit > 0) {
    if (said.window && *said.window <= kMaxWindow) {
      limit_ = *said.limit;
      window_ = *said.window;
    } else if (!said.window) {
      const bool consistent = said.remaining && said.reset_at && *said.reset_at <= now + window_;
      if (*said.limit < limit_ || consistent) limit_ = *said.limit;
    }
  }
  if (!said.remaining) return;
  std::int64_t unseen = 0;
  for (auto it = grants_.rbegin(); it != grants_.rend() && it->at > sent_at; ++it) unseen += it->count;
  const std::int64_t left = *said.remaining - unseen;
  const absl::Time reset_at = std::min(said.reset_at.value_or(now + Span()), farthest);
  if (reset_at <= now) return;
  // Answers arrive in any order; within one window of the server's only the lowest count is true. A reset time given
  // in whole seconds wobbles by one.
  const bool same_window = remaining_ && reset_at <= reset_at_ + absl::Seconds(2);
  remaining_ = same_window ? std::min(*remaining_, left) : left;
  reset_at_ = same_window ? std::max(reset_at_, reset_at) : reset_at;
}

void RateBudget::Close(std::optional<absl::Time> named, absl::Time now, absl::Time sent_at) {
  absl::Time until = named.value_or(absl::InfinitePast());
  if (until <= now) {
    // One burst brings one guess, however many of its requests were refused.
    if (sent_at < closed_at_) return;
    const absl::Duration guess = options_.guess_initial * (std::int64_t{1} << std::min(guesses_, kMaxDoublings));
    until = now + std::min(guess, options_.guess_cap);
    ++guesses_;
  }
  closed_at_ = now;
  closed_until_ = std::max(closed_until_, std::min(until, now + options_.max_closed));
}

RateBudgetState RateBudget::state() const {
  MutexLock lock(mutex_);
  Expire(Now());
  return {.limit = limit_,
          .window = window_,
          .used = used_,
          .last_grant = last_grant_,
          .remaining = remaining_,
          .reset_at = reset_at_,
          .closed_until = closed_until_,
          .guesses = guesses_};
}

void RateBudget::Restore(const RateBudgetState& saved) {
  MutexLock lock(mutex_);
  const absl::Time now = Now();
  const absl::Time farthest = now + options_.max_closed;
  if (saved.limit > 0) limit_ = saved.limit;
  if (saved.window > absl::ZeroDuration() && saved.window <= kMaxWindow) window_ = saved.window;
  grants_.clear();
  used_ = 0;
  // A saved time in the future is the mark of another clock: the safe reading is that it was just now.
  last_grant_ = std::min(saved.last_grant, now);
  if (saved.used > 0) {
    grants_.push_back({last_grant_, saved.used});
    used_ = saved.used;
  }
  remaining_ = saved.remaining;
  reset_at_ = std::min(saved.reset_at, farthest);
  closed_until_ = std::min(saved.closed_until, farthest);
  guesses_ = std::max(0, saved.guesses);
  Expire(now);
}

}  // namespace tokenwatch::common

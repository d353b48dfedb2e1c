#include "resolver/loops/claim_loop.h"

#include <algorithm>
#include <utility>

#include "common/sync/stop.h"
#include "common/time/backoff.h"

namespace tokenwatch::resolver {
namespace {

// The most that the detector gives at once.
constexpr int kMaxClaim = 1000;

}  // namespace

LeaseTerms ClaimLoop::Lease() const {
  const absl::Time now = context_.clock.Now();
  return {context_.config.claimant, now, now + context_.config.lease};
}

absl::Time ClaimLoop::GiveUpAt() const { return context_.clock.Now() + context_.config.lease * 0.8; }

void ClaimLoop::Wake() {
  common::MutexLock lock(mutex_);
  woken_ = true;
  woken_changed_.NotifyAll();
}

void ClaimLoop::WakeIfStarved() {
  if (starved_.exchange(false)) Wake();
}

void ClaimLoop::Sleep(absl::Duration span, const std::stop_token& stop) {
  common::StopWaker waker(stop, mutex_, woken_changed_);
  const absl::Time end = absl::Now() + span;
  common::MutexLock lock(mutex_);
  while (!woken_ && !stop.stop_requested()) {
    const absl::Duration left = end - absl::Now();
    if (left <= absl::ZeroDuration()) break;
    woken_changed_.WaitFor(mutex_, left);
  }
  woken_ = false;
}

int ClaimLoop::Limit() {
  const size_t room = context_.cascade.Room();
  if (room > 0) return static_cast<int>(std::min<size_t>(room, kMaxClaim));
  context_.metrics.full.Increment();
  starved_ = true;
  // Room may have come between the look and the note.
  return static_cast<int>(std::min<size_t>(context_.cascade.Room(), kMaxClaim));
}

void ClaimLoop::Run(const std::stop_token& stop) {
  common::Backoff backoff({.initial = absl::Milliseconds(50), .cap = absl::Seconds(2), .multiplier = 2},
                          common::SystemRandom());
  while (!stop.stop_requested()) {
    const absl::StatusOr<bool> due = TakeDue();
    const absl::StatusOr<bool> claimed = Claim(stop);
    if (due.ok() && claimed.ok()) {
      backoff.Reset();
      if (!*due && !*claimed) Sleep(context_.config.poll_interval, stop);
    } else {
      // Not to be woken: events come in while the database or the detector is away.
      common::SleepUnlessStopped(stop, backoff.Next());
    }
  }
}

absl::StatusOr<bool> ClaimLoop::TakeDue() {
  const int limit = Limit();
  if (limit == 0) return false;
  const LeaseTerms lease = Lease();
  auto due = context_.store.TakeDue(limit, lease, StoreDeadline(context_));
  if (!TellDatabase(context_, due.status(), "take due tokens")) return due.status();
  for (const Resolution& resolution : *due) context_.cascade.Submit(resolution, GiveUpAt(), false);
  context_.metrics.due.Increment(static_cast<double>(due->size()));
  return due->size() == static_cast<size_t>(limit);
}

absl::StatusOr<bool> ClaimLoop::Claim(const std::stop_token& stop) {
  const int limit = Limit();
  if (limit == 0) return false;
  auto claimed = context_.detector.Claim(context_.config.claimant, limit, context_.config.lease, stop);
  if (!TellDetector(context_, claimed.status(), "claim pending tokens")) return claimed.status();
  context_.metrics.claimed.Increment(static_cast<double>(claimed->size()));
  std::vector<ClaimedToken> to_begin;
  for (ClaimedToken& token : *claimed) {
    // One that is at work already is given back when its round ends.
    if (!context_.cascade.Contains(token.token)) to_begin.push_back(std::move(token));
  }
  if (!to_begin.empty()) {
    if (absl::Status status = Begin(to_begin, stop); !status.ok()) return status;
  }
  return claimed->size() == static_cast<size_t>(limit);
}

absl::Status ClaimLoop::Begin(const std::vector<ClaimedToken>& claimed, const std::stop_token& stop) {
  std::vector<BeginRequest> requests;
  requests.reserve(claimed.size());
  for (const ClaimedToken& token : claimed) requests.push_back({token.token, token.uri, "launch", token.decimals});
  const LeaseTerms lease = Lease();
  auto begun = context_.store.Begin(requests, BeginMode::kWhenDue, lease, StoreDeadline(context_));
  if (!TellDatabase(context_, begun.status(), "begin claimed tokens")) return begun.status();
  std::vector<Completion> at_once;
  for (Begun& one : *begun) {
    switch (one.standing) {
      case Begun::Standing::kLeased:
        context_.cascade.Submit(one.resolution, GiveUpAt(), false);
        break;
      case Begun::Standing::kResolved:
        at_once.push_back({std::move(one.resolution), absl::InfinitePast()});
        break;
      case Begun::Standing::kBusy:
        at_once.push_back({std::move(one.resolution), one.busy_until});
        break;
      case Begun::Standing::kNotDue: {
        const absl::Time retry_at = one.resolution.next_attempt_at;
        at_once.push_back({std::move(one.resolution), retry_at});
        break;
      }
      case Begun::Standing::kDeadLetter:
        at_once.push_back({std::move(one.resolution), lease.now + context_.config.dead_letter_hold});
        break;
    }
  }
  if (at_once.empty()) return absl::OkStatus();
  const absl::Status completed = context_.detector.Complete(context_.config.claimant, at_once, stop);
  TellDetector(context_, completed, "give claims back");
  return completed;
}

}  // namespace tokenwatch::resolver

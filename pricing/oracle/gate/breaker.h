// Stops asking a source that fails, and finds out with one call at a time whether it is back.
//
// It opens on a few failures in a row, or when the calls so far make an error rate above a limit all but certain (a
// Beta posterior over calls that lose weight as they age). Made for upstreams of some ten calls a minute, for which
// breakers that want a hundred calls first never open.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/time/backoff.h"

namespace tokenwatch::pricing {

struct BreakerOptions {
  int straight_failures = 4;
  // Opens when P(error rate > max_error_rate) > certainty.
  double max_error_rate = 0.3;
  double certainty = 0.95;
  // What is believed before the first call: a mean error rate, and how many calls that is worth.
  double prior_error_rate = 0.02;
  double prior_calls = 2;
  // After so many further calls a call counts half.
  double half_life_calls = 8;
  // Bound of the first time it stays open, doubled with each failed probe; full jitter, but never less than the least.
  absl::Duration open_initial = absl::Seconds(1);
  absl::Duration open_cap = absl::Seconds(60);
  absl::Duration open_least = absl::Milliseconds(100);
};

enum class BreakerState : uint8_t { kClosed = 1, kOpen, kHalfOpen };
// "closed", "open", "half_open".
absl::string_view ToWord(BreakerState state);

// Not thread-safe.
class Breaker {
 public:
  Breaker(const BreakerOptions& options, common::UniformRandom random);

  // Whether another call may be made while `in_flight` are. While failures add up, fewer run at once, so that no more
  // than `straight_failures` are spent on a source that is dead.
  bool MayCall(absl::Time now, int in_flight) const;
  // To be called with each call that is made; makes the first one after the open time the probe.
  void OnCall();

  // How a call ended. `retry_at`: when the source said to come back; InfinitePast when it did not.
  void OnSuccess();
  void OnFailure(absl::Time now, absl::Time retry_at);
  // It says nothing about the source's health: not asked after all, or told to wait.
  void OnNeither(absl::Time now, absl::Time retry_at);

  BreakerState state() const { return state_; }
  // When the probe may be made; for kOpen.
  absl::Time open_until() const { return open_until_; }
  // P(error rate > max_error_rate).
  double FailureBelief() const;

 private:
  void Count(bool failed);
  void Open(absl::Time now, absl::Time retry_at);

  const BreakerOptions options_;
  common::UniformRandom random_;
  BreakerState state_ = BreakerState::kClosed;
  absl::Time open_until_ = absl::InfinitePast();
  int straight_failures_ = 0;
  // Failed probes since it last was closed for good.
  int openings_ = 0;
  int successes_since_closed_ = 0;
  // Weighted by age.
  double failures_ = 0;
  double successes_ = 0;
};

}  // namespace tokenwatch::pricing

#include "pricing/oracle/gate/breaker.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <boost/math/special_functions/beta.hpp>

namespace tokenwatch::pricing {
namespace {

// 2^20 times any first time is past any cap.
constexpr int kMaxDoublings = 20;

}  // namespace

absl::string_view ToWord(BreakerState state) {
  switch (state) {
    case BreakerState::kClosed:
      return "closed";
    case BreakerState::kOpen:
      return "open";
    case BreakerState::kHalfOpen:
      return "half_open";
  }
  return "unknown";
}

Breaker::Breaker(const BreakerOptions& options, common::UniformRandom random)
    : options_(options), random_(std::move(random)) {}

bool Breaker::MayCall(absl::Time now, int in_flight) const {
  switch (state_) {
    case BreakerState::kClosed:
      return in_flight + straight_failures_ < options_.straight_failures;
    case BreakerState::kOpen:
      return in_flight == 0 && now >= open_until_;
    case BreakerState::kHalfOpen:
      return false;
  }
  return false;
}

void Breaker::OnCall() {
  if (state_ == BreakerState::kOpen) state_ = BreakerState::kHalfOpen;
}

void Breaker::OnSuccess() {
  Count(false);
  straight_failures_ = 0;
  if (state_ == BreakerState::kHalfOpen) {
    state_ = BreakerState::kClosed;
    successes_since_closed_ = 0;
    // What was counted is of the time before it was mended.
    failures_ = 0;
    successes_ = 1;
  }
  // One good answer of a source that flaps does not make it new.
  if (state_ == BreakerState::kClosed && ++successes_since_closed_ >= options_.straight_failures) openings_ = 0;
}

void Breaker::OnFailure(absl::Time now, absl::Time retry_at) {
  Count(true);
  ++straight_failures_;
  if (state_ == BreakerState::kHalfOpen) return Open(now, retry_at);
  // A call from before it opened tells nothing new.
  if (state_ == BreakerState::kOpen) return;
  if (straight_failures_ >= options_.straight_failures || FailureBelief() > options_.certainty) Open(now, retry_at);
}

void Breaker::OnNeither(absl::Time now, absl::Time retry_at) {
  if (state_ != BreakerState::kHalfOpen) return;
  state_ = BreakerState::kOpen;
  open_until_ = std::max(now + options_.open_least, retry_at);
}

void Breaker::Count(bool failed) {
  const double kept = std::exp2(-1 / options_.half_life_calls);
  failures_ = failures_ * kept + (failed ? 1 : 0);
  successes_ = successes_ * kept + (failed ? 0 : 1);
}

double Breaker::FailureBelief() const {
  const double a = options_.prior_error_rate * options_.prior_calls + failures_;
  const double b = (1 - options_.prior_error_rate) * options_.prior_calls + successes_;
  return boost::math::ibetac(a, b, options_.max_error_rate);
}

void Breaker::Open(absl::Time now, absl::Time retry_at) {
  state_ = BreakerState::kOpen;
  const absl::Duration bound =
      std::min(options_.open_cap, options_.open_initial * (int64_t{1} << std::min(openings_, kMaxDoublings)));
  ++openings_;
  open_until_ = std::max(now + std::max(bound * random_(), options_.open_least), retry_at);
}

}  // namespace tokenwatch::pricing

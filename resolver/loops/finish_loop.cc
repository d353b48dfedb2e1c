#include "resolver/loops/finish_loop.h"

#include <algorithm>
#include <utility>

#include "common/sync/stop.h"
#include "common/time/backoff.h"

namespace tokenwatch::resolver {
namespace {

constexpr size_t kBatch = 500;
// Between looks for names that were not acknowledged: usually, and while there are some.
constexpr absl::Duration kLookInterval = absl::Seconds(30);
constexpr absl::Duration kLookAgain = absl::Seconds(1);
// For storing and giving back after the stop.
constexpr absl::Duration kDrainLimit = absl::Seconds(8);

}  // namespace

void FinishLoop::Run(const std::stop_token& stop) {
  while (true) {
    const bool stopping = stop.stop_requested();
    if (stopping && drain_until_ == absl::InfiniteFuture()) drain_until_ = absl::Now() + kDrainLimit;
    // Looked at before the rounds that ended are taken, so that none can end unseen in between.
    const bool idle = stopping && context_.cascade.Idle();
    std::vector<Finished> finished = context_.cascade.TakeFinished(kBatch, absl::Milliseconds(stopping ? 20 : 200),
                                                                   stopping ? std::stop_token{} : stop);
    if (!finished.empty()) {
      if (!Store(finished, stop)) return;
      context_.cascade.Stored(finished);
      on_room_();
      Report(finished);
    } else if (stopping && (idle || absl::Now() >= drain_until_)) {
      return;
    }
    if (!stopping && context_.clock.Now() >= next_look_) ReportAgain();
  }
}

bool FinishLoop::Store(const std::vector<Finished>& finished, const std::stop_token& stop) {
  common::Backoff backoff({.initial = absl::Milliseconds(50), .cap = absl::Seconds(2), .multiplier = 2},
                          common::SystemRandom());
  context_.metrics.store_batch.Observe(static_cast<double>(finished.size()));
  while (true) {
    const absl::Status stored =
        context_.store.Finish(finished, context_.config.claimant, context_.config.attempts_per_token,
                              context_.clock.Now(), StoreDeadline(context_));
    if (TellDatabase(context_, stored, "store resolutions")) return true;
    // What cannot be stored is not lost: the leases end, and the tokens are asked for again.
    if (stop.stop_requested() && absl::Now() >= drain_until_) return false;
    if (stop.stop_requested() && drain_until_ == absl::InfiniteFuture()) drain_until_ = absl::Now() + kDrainLimit;
    common::SleepUnlessStopped(stop.stop_requested() ? std::stop_token{} : stop, backoff.Next());
  }
}

absl::Time FinishLoop::RetryAt(const Resolution& resolution) const {
  return resolution.state == State::kDeadLetter ? context_.clock.Now() + context_.config.dead_letter_hold
                                                : resolution.next_attempt_at;
}

void FinishLoop::Report(const std::vector<Finished>& finished) {
  std::vector<Completion> completions;
  completions.reserve(finished.size());
  for (const Finished& one : finished) {
    if (one.verdict == Verdict::kNamed && one.resolution.imitates.has_value()) {
      context_.metrics.impostors_resolved.Increment();
    }
    if (one.resolution.state == State::kDeadLetter) context_.metrics.dead_letters.Increment();
    completions.push_back({one.resolution, RetryAt(one.resolution)});
  }
  if (!Complete(completions)) next_look_ = context_.clock.Now() + kLookAgain;
}

bool FinishLoop::Complete(const std::vector<Completion>& completions) {
  // Not stopped early: giving tokens back is what the drain is for, and the call has a time limit of its own.
  const absl::Status completed = context_.detector.Complete(context_.config.claimant, completions, {});
  if (!TellDetector(context_, completed, "complete resolutions")) return false;
  std::vector<TokenRef> named;
  for (const Completion& completion : completions) {
    if (completion.resolution.state == State::kResolved) named.push_back(completion.resolution.token);
  }
  context_.metrics.named.Increment(static_cast<double>(named.size()));
  context_.metrics.returned.Increment(static_cast<double>(completions.size() - named.size()));
  if (named.empty()) return true;
  return TellDatabase(context_, context_.store.MarkReported(named, StoreDeadline(context_)), "mark names as reported");
}

void FinishLoop::ReportAgain() {
  const absl::Time now = context_.clock.Now();
  const bool first = next_look_ == absl::InfinitePast();
  next_look_ = now + kLookInterval;
  auto unreported =
      context_.store.ListUnreported(kBatch, first ? absl::InfiniteFuture() : now, StoreDeadline(context_));
  if (!TellDatabase(context_, unreported.status(), "list unreported names")) {
    next_look_ = first ? absl::InfinitePast() : now + kLookAgain;
    return;
  }
  if (unreported->empty()) return;
  std::vector<Completion> completions;
  for (Resolution& resolution : *unreported) completions.push_back({std::move(resolution), absl::InfinitePast()});
  const bool more = completions.size() == kBatch;
  if (!Complete(completions) || more) next_look_ = now + (more ? absl::ZeroDuration() : kLookAgain);
}

}  // namespace tokenwatch::resolver

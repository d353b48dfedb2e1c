// How a round of the cascade ends: what is kept, and when the next one may begin.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "resolver/cascade/cascade.h"

namespace tokenwatch::resolver {
namespace {

bool IsFailure(Outcome outcome) {
  return outcome == Outcome::kTimeout || outcome == Outcome::kUnavailable || outcome == Outcome::kBadAnswer;
}

}  // namespace

std::string Cascade::Reason(const Job& job) const {
  std::vector<std::string> parts;
  for (size_t i = 0; i < job.slots.size(); ++i) {
    const Slot& slot = job.slots[i];
    if (slot.step == Slot::Step::kToAsk) continue;
    parts.push_back(absl::StrCat(lanes_[i].source->name(), ": ", OutcomeName(slot.outcome),
                                 slot.detail.empty() ? "" : absl::StrCat(" (", slot.detail, ")")));
  }
  if (parts.empty()) return absl::StrCat("no source serves ", chain::ChainName(job.known.token.chain));
  return absl::StrJoin(parts, "; ");
}

absl::Time Cascade::EarliestReady(const Job& job) const {
  absl::Time earliest = absl::InfiniteFuture();
  for (const Slot& slot : job.slots) {
    if (slot.step == Slot::Step::kDone) earliest = std::min(earliest, slot.ready_at);
  }
  return earliest == absl::InfiniteFuture() ? absl::InfinitePast() : earliest;
}

void Cascade::FinishNamed(Job& job, absl::Time now) {
  Resolution& known = job.known;
  known.state = State::kResolved;
  known.reason.clear();
  known.next_attempt_at = absl::InfiniteFuture();
  known.imitates = known_tokens_.ImitatedBy(known.token, known.name.value, known.symbol.value);
  ++known.attempts;
  not_found_.Forget(static_cast<int>(lanes_.size()), known.token);
  Finish(job, Verdict::kNamed, now);
}

void Cascade::FinishRound(Job& job, absl::Time now) {
  Resolution& known = job.known;
  bool asked = false;
  bool failed = false;
  bool served = false;
  for (const Slot& slot : job.slots) {
    served |= slot.step == Slot::Step::kDone;
    asked |= slot.asked;
    failed |= slot.asked && IsFailure(slot.outcome);
  }
  const Verdict verdict = failed ? Verdict::kUnavailable : Verdict::kNotFound;
  // A name that is known stays known when asking afresh brought none.
  if (known.state == State::kResolved) return Finish(job, verdict, now);
  known.reason = Reason(job);
  known.state = State::kPending;
  if (!asked && served) {
    // Every source was spared: not an attempt.
    known.next_attempt_at = EarliestReady(job);
    return Finish(job, verdict, now);
  }
  ++known.attempts;
  if (known.attempts >= options_.retry.max_attempts) {
    known.state = State::kDeadLetter;
    known.next_attempt_at = absl::InfiniteFuture();
  } else {
    known.next_attempt_at = std::max(now + options_.retry.Delay(known.attempts, random_()), EarliestReady(job));
  }
  Finish(job, verdict, now);
}

void Cascade::Interrupt(Job& job, absl::Time retry_at, std::string reason, absl::Time now) {
  if (job.known.state != State::kResolved) {
    job.known.state = State::kPending;
    job.known.reason = std::move(reason);
    job.known.next_attempt_at = std::max(retry_at, now);
  }
  Finish(job, Verdict::kInterrupted, now);
}

void Cascade::Finish(Job& job, Verdict verdict, absl::Time now) {
  observer_.OnFinished(verdict, now - job.started);
  const TokenRef token = job.known.token;
  finished_.push_back({std::move(job.known), std::move(job.attempts), verdict, job.started});
  jobs_.erase(token);
  finished_changed_.NotifyAll();
}

}  // namespace tokenwatch::resolver

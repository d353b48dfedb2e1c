#include "resolver/cascade/cascade.h"

#include <algorithm>
#include <utility>

#include "common/sync/stop.h"
#include "common/text/safe_text.h"

namespace tokenwatch::resolver {
namespace {

// A source that refuses without saying for how long.
constexpr absl::Duration kUnstatedClosure = absl::Seconds(1);
// How often the cascade looks for rounds that are out of time.
constexpr absl::Duration kGiveUpGranularity = absl::Milliseconds(500);

constexpr common::SafeTextLimits kNameLimits{kMaxNameBytes, 96};
constexpr common::SafeTextLimits kSymbolLimits{kMaxSymbolBytes, 32};
constexpr common::SafeTextLimits kUriLimits{kMaxUriBytes, kMaxUriBytes};
constexpr common::SafeTextLimits kDetailLimits{kMaxDetailBytes, kMaxDetailBytes};

SourcedText Sourced(absl::string_view raw, const common::SafeTextLimits& limits, const std::string& source,
                    absl::Time observed_at) {
  common::SafeTextResult safe = common::SafeText(raw, limits);
  if (safe.text.empty()) return {};
  return {std::move(safe.text), source, observed_at, safe.removed};
}

}  // namespace

absl::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kNamed:
      return "named";
    case Verdict::kNotFound:
      return "not_found";
    case Verdict::kUnavailable:
      return "unavailable";
    case Verdict::kInterrupted:
      return "interrupted";
  }
  return "interrupted";
}

struct Cascade::Inbox {
  common::Mutex mutex;
  common::CondVar changed;
  std::vector<Reply> replies TW_GUARDED_BY(mutex);
  bool woken TW_GUARDED_BY(mutex) = false;

  void Wake() {
    common::MutexLock lock(mutex);
    woken = true;
    changed.NotifyAll();
  }
};

Cascade::Cascade(const CascadeOptions& options, std::vector<Source*> sources, const KnownTokens& known_tokens,
                 common::Clock& clock, common::UniformRandom random, CascadeObserver& observer)
    : options_(options),
      sources_(std::move(sources)),
      known_tokens_(known_tokens),
      clock_(clock),
      observer_(observer),
      random_(std::move(random)),
      not_found_(options.negative_cache),
      inbox_(std::make_shared<Inbox>()) {
  for (Source* source : sources_) {
    lanes_.emplace_back(source, Batcher::Options{source->max_batch(), options_.linger, options_.linger_max});
  }
}

bool Cascade::Submit(const Resolution& known, absl::Time give_up_at, bool refresh) {
  {
    common::MutexLock lock(mutex_);
    if (draining_ || busy_.size() >= options_.capacity || !busy_.insert(known.token).second) return false;
    const absl::Time now = clock_.Now();
    auto job = std::make_unique<Job>();
    job->known = known;
    job->refresh = refresh;
    job->started = now;
    job->give_up_at = give_up_at;
    job->slots.resize(lanes_.size());
    next_give_up_ = std::min(next_give_up_, give_up_at);
    Job& entered = *jobs_.emplace(known.token, std::move(job)).first->second;
    Advance(entered, now);
  }
  inbox_->Wake();
  return true;
}

bool Cascade::Wait(const TokenRef& token, Waiter waiter) {
  common::MutexLock lock(mutex_);
  if (!busy_.contains(token)) return false;
  waiters_[token].push_back(std::move(waiter));
  return true;
}

bool Cascade::Contains(const TokenRef& token) const {
  common::MutexLock lock(mutex_);
  return busy_.contains(token);
}

size_t Cascade::Room() const {
  common::MutexLock lock(mutex_);
  return draining_ || busy_.size() >= options_.capacity ? 0 : options_.capacity - busy_.size();
}

size_t Cascade::size() const {
  common::MutexLock lock(mutex_);
  return busy_.size();
}

void Cascade::ForgetNotFound(const TokenRef& token) {
  common::MutexLock lock(mutex_);
  not_found_.Forget(static_cast<int>(lanes_.size()), token);
}

void Cascade::ForgetAllNotFound() {
  common::MutexLock lock(mutex_);
  not_found_.Clear();
}

absl::Time Cascade::Pump() {
  std::vector<Reply> replies;
  {
    common::MutexLock lock(inbox_->mutex);
    replies.swap(inbox_->replies);
    inbox_->woken = false;
  }
  common::MutexLock lock(mutex_);
  const absl::Time now = clock_.Now();
  for (Reply& reply : replies) Receive(reply);
  WakeParked(now);
  GiveUpLate(now);
  absl::Time next = std::min(next_unpark_, next_give_up_);
  for (size_t lane = 0; lane < lanes_.size(); ++lane) next = std::min(next, Dispatch(lane, now));
  return next;
}

void Cascade::WaitForWork(absl::Time until, const std::stop_token& stop) {
  common::StopWaker waker(stop, inbox_->mutex, inbox_->changed);
  common::MutexLock lock(inbox_->mutex);
  while (!inbox_->woken && inbox_->replies.empty() && !stop.stop_requested()) {
    const absl::Duration left = until - clock_.Now();
    if (left <= absl::ZeroDuration()) return;
    inbox_->changed.WaitFor(inbox_->mutex, left);
  }
}

// --- Through the sources --------------------------------------------------------------------------------------------

void Cascade::Advance(Job& job, absl::Time now) {
  job.at = -1;
  job.asking = false;
  if (draining_) return Interrupt(job, now, "the resolver is shutting down", now);
  const Question question{job.known.token, job.known.uri.value};
  for (size_t i = 0; i < lanes_.size(); ++i) {
    Slot& slot = job.slots[i];
    if (slot.step != Slot::Step::kToAsk || !lanes_[i].source->Serves(question)) continue;
    const std::optional<absl::Time> until =
        job.refresh ? std::nullopt : not_found_.Until(static_cast<int>(i), job.known.token, now);
    if (until.has_value()) {
      slot = {Slot::Step::kDone, *until, false, Outcome::kNotFound, "said so lately"};
      observer_.OnSpared(i);
      continue;
    }
    job.at = static_cast<int>(i);
    lanes_[i].batcher.Add(job.known.token, now);
    return;
  }
  const bool blocked = std::any_of(job.slots.begin(), job.slots.end(),
                                   [](const Slot& slot) { return slot.step == Slot::Step::kBlocked; });
  if (blocked) return Park(job, now);
  FinishRound(job, now);
}

void Cascade::Park(Job& job, absl::Time now) {
  absl::Time until = absl::InfiniteFuture();
  for (const Slot& slot : job.slots) {
    if (slot.step == Slot::Step::kBlocked) until = std::min(until, slot.ready_at);
  }
  if (until >= job.give_up_at) return Interrupt(job, until, Reason(job), now);
  job.parked_until = until;
  next_unpark_ = std::min(next_unpark_, until);
  ++parked_;
}

void Cascade::WakeParked(absl::Time now) {
  if (now < next_unpark_) return;
  next_unpark_ = absl::InfiniteFuture();
  std::vector<TokenRef> due;
  for (const auto& [token, job] : jobs_) {
    if (job->parked_until <= now) {
      due.push_back(token);
    } else {
      next_unpark_ = std::min(next_unpark_, job->parked_until);
    }
  }
  // In a fixed order, so that a run can be repeated.
  std::sort(due.begin(), due.end());
  for (const TokenRef& token : due) {
    Job& job = *jobs_.at(token);
    job.parked_until = absl::InfiniteFuture();
    --parked_;
    for (Slot& slot : job.slots) {
      if (slot.step == Slot::Step::kBlocked && slot.ready_at <= now) slot.step = Slot::Step::kToAsk;
    }
    Advance(job, now);
  }
}

void Cascade::GiveUpLate(absl::Time now) {
  if (now < next_give_up_) return;
  next_give_up_ = absl::InfiniteFuture();
  std::vector<TokenRef> late;
  for (const auto& [token, job] : jobs_) {
    if (job->give_up_at <= now && !job->asking) {
      late.push_back(token);
    } else {
      next_give_up_ = std::min(next_give_up_, std::max(job->give_up_at, now + kGiveUpGranularity));
    }
  }
  std::sort(late.begin(), late.end());
  for (const TokenRef& token : late) {
    Job& job = *jobs_.at(token);
    if (job.at >= 0) {
      lanes_[static_cast<size_t>(job.at)].batcher.Remove(token);
    } else {
      --parked_;
    }
    Interrupt(job, now, "no source had time for it", now);
  }
}

size_t Cascade::Upstream(size_t lane) const {
  size_t tokens = 0;
  for (size_t i = 0; i < lane; ++i) tokens += lanes_[i].batcher.size() + lanes_[i].tokens_asking;
  return tokens;
}

absl::Time Cascade::Dispatch(size_t lane, absl::Time now) {
  Lane& at = lanes_[lane];
  while (at.batcher.size() > 0 && at.calls_running < options_.max_parallel_calls) {
    const absl::Time due = at.batcher.DueAt(Upstream(lane));
    if (due > now) return due;
    const Admission admission = at.source->Admit(now);
    if (admission.admitted) {
      Ask(lane, now);
    } else if (admission.try_again_at - now > options_.budget_patience) {
      PassOver(lane, admission.try_again_at, now);
    } else {
      // Never now: a source that is wrong about its budget must not make this loop spin.
      return std::max(admission.try_again_at, now + absl::Milliseconds(1));
    }
  }
  return absl::InfiniteFuture();
}

void Cascade::PassOver(size_t lane, absl::Time until, absl::Time now) {
  for (const TokenRef& token : lanes_[lane].batcher.TakeAll()) {
    Job& job = *jobs_.at(token);
    job.slots[lane] = {Slot::Step::kBlocked, until, false, Outcome::kRateLimited, "out of budget"};
    observer_.OnPassedOver(lane);
    Advance(job, now);
  }
}

void Cascade::Ask(size_t lane, absl::Time now) {
  Lane& at = lanes_[lane];
  std::vector<TokenRef> tokens = at.batcher.Take(Upstream(lane));
  std::vector<Question> questions;
  questions.reserve(tokens.size());
  for (const TokenRef& token : tokens) {
    Job& job = *jobs_.at(token);
    job.asking = true;
    questions.push_back({token, job.known.uri.value});
  }
  ++at.calls_running;
  ++at.counts.calls;
  at.tokens_asking += tokens.size();
  observer_.OnCall(lane, tokens.size());
  at.source->Ask(
      questions, now,
      [inbox = inbox_, clock = &clock_, lane, now, tokens = std::move(tokens)](std::vector<Answer> answers) mutable {
        const absl::Time answered_at = clock->Now();
        common::MutexLock lock(inbox->mutex);
        inbox->replies.push_back({lane, std::move(tokens), now, std::move(answers), answered_at});
        inbox->changed.NotifyAll();
      });
}

void Cascade::Receive(Reply& reply) {
  Lane& at = lanes_[reply.lane];
  --at.calls_running;
  at.tokens_asking -= reply.tokens.size();
  observer_.OnCallEnded(reply.lane, reply.answered_at - reply.asked_at);
  for (size_t i = 0; i < reply.tokens.size(); ++i) {
    const auto found = jobs_.find(reply.tokens[i]);
    if (found == jobs_.end()) continue;
    Answer answer{Outcome::kBadAnswer, "the source left it out"};
    if (i < reply.answers.size()) answer = std::move(reply.answers[i]);
    TakeAnswer(reply.lane, *found->second, std::move(answer), reply);
  }
}

void Cascade::TakeAnswer(size_t lane, Job& job, Answer answer, const Reply& reply) {
  Resolution& known = job.known;
  const absl::Time at = reply.asked_at;
  SourcedText name = Sourced(answer.name, kNameLimits, answer.provenance, at);
  const bool named = common::IsRealName(name.value);
  if (answer.outcome == Outcome::kFound && !named) {
    answer.outcome = Outcome::kNotFound;
    answer.detail = name.value.empty() ? "the name is empty" : "the name is a placeholder";
  }
  if (!answer.uri.empty() && (known.uri.value.empty() || job.refresh)) {
    if (SourcedText uri = Sourced(answer.uri, kUriLimits, answer.provenance, at); !uri.value.empty()) {
      known.uri = std::move(uri);
    }
  }
  if (answer.decimals.has_value() && (!known.decimals.has_value() || job.refresh)) {
    known.decimals = answer.decimals;
    known.decimals_source = answer.provenance;
  }

  Slot& slot = job.slots[lane];
  slot.asked = true;
  slot.outcome = answer.outcome;
  slot.detail = common::SafeText(answer.detail, kDetailLimits).text;
  job.attempts.push_back(
      {known.token, std::string(lanes_[lane].source->name()), at, answer.outcome, slot.detail, reply.answered_at - at});
  observer_.OnAnswer(lane, answer.outcome);
  SourceCounts& counts = lanes_[lane].counts;
  const absl::Time now = reply.answered_at;
  slot.step = Slot::Step::kDone;
  slot.ready_at = std::max(now, answer.retry_at);
  switch (answer.outcome) {
    case Outcome::kFound:
      ++counts.found;
      known.name = std::move(name);
      if (SourcedText symbol = Sourced(answer.symbol, kSymbolLimits, answer.provenance, at); !symbol.value.empty()) {
        known.symbol = std::move(symbol);
      }
      return FinishNamed(job, now);
    case Outcome::kNotFound:
      ++counts.not_found;
      slot.ready_at = not_found_.Record(static_cast<int>(lane), known.token, now);
      break;
    case Outcome::kRefused:
      // Asking again would be refused again; the negative cache spaces the questions.
      ++counts.failed;
      slot.ready_at = not_found_.Record(static_cast<int>(lane), known.token, now);
      break;
    case Outcome::kRateLimited:
      ++counts.failed;
      slot.step = Slot::Step::kBlocked;
      slot.ready_at = answer.retry_at > now ? answer.retry_at : now + kUnstatedClosure;
      break;
    case Outcome::kTimeout:
    case Outcome::kUnavailable:
    case Outcome::kBadAnswer:
      ++counts.failed;
      break;
  }
  Advance(job, now);
}

std::vector<Finished> Cascade::TakeFinished(size_t max, absl::Duration timeout, const std::stop_token& stop) {
  common::StopWaker waker(stop, mutex_, finished_changed_);
  const absl::Time end = absl::Now() + timeout;
  common::MutexLock lock(mutex_);
  while (finished_.empty() && !stop.stop_requested()) {
    const absl::Duration left = end - absl::Now();
    if (left <= absl::ZeroDuration()) break;
    finished_changed_.WaitFor(mutex_, left);
  }
  std::vector<Finished> taken;
  if (finished_.size() <= max) {
    taken.swap(finished_);
  } else {
    const auto middle = finished_.begin() + static_cast<std::ptrdiff_t>(max);
    taken.assign(std::make_move_iterator(finished_.begin()), std::make_move_iterator(middle));
    finished_.erase(finished_.begin(), middle);
  }
  return taken;
}

void Cascade::Stored(const std::vector<Finished>& finished) {
  std::vector<std::pair<const Finished*, std::vector<Waiter>>> to_tell;
  {
    common::MutexLock lock(mutex_);
    for (const Finished& one : finished) {
      busy_.erase(one.resolution.token);
      const auto found = waiters_.find(one.resolution.token);
      if (found == waiters_.end()) continue;
      to_tell.emplace_back(&one, std::move(found->second));
      waiters_.erase(found);
    }
  }
  for (const auto& [one, waiters] : to_tell) {
    for (const Waiter& waiter : waiters) waiter(*one);
  }
}

void Cascade::Drain() {
  {
    common::MutexLock lock(mutex_);
    draining_ = true;
    const absl::Time now = clock_.Now();
    for (Lane& lane : lanes_) lane.batcher.TakeAll();
    std::vector<TokenRef> waiting;
    for (const auto& [token, job] : jobs_) {
      if (!job->asking) waiting.push_back(token);
    }
    for (const TokenRef& token : waiting) Interrupt(*jobs_.at(token), now, "the resolver is shutting down", now);
    parked_ = 0;
  }
  inbox_->Wake();
}

void Cascade::DismissWaiters() {
  absl::flat_hash_map<TokenRef, std::vector<Waiter>> waiters;
  {
    common::MutexLock lock(mutex_);
    waiters.swap(waiters_);
  }
  for (const auto& [token, of_token] : waiters) {
    Finished interrupted;
    interrupted.resolution.token = token;
    interrupted.resolution.reason = "the resolver is shutting down";
    for (const Waiter& waiter : of_token) waiter(interrupted);
  }
}

bool Cascade::Idle() const {
  common::MutexLock lock(mutex_);
  return jobs_.empty();
}

std::vector<SourceCounts> Cascade::source_counts() const {
  common::MutexLock lock(mutex_);
  std::vector<SourceCounts> counts;
  for (const Lane& lane : lanes_) counts.push_back(lane.counts);
  return counts;
}

Cascade::Sizes Cascade::sizes() const {
  common::MutexLock lock(mutex_);
  Sizes sizes{jobs_.size(), parked_, not_found_.size(), not_found_.evicted(), {}};
  for (const Lane& lane : lanes_) sizes.waiting.push_back(lane.batcher.size());
  return sizes;
}

}  // namespace tokenwatch::resolver

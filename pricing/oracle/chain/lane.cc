#include "pricing/oracle/chain/lane.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tokenwatch::pricing {
namespace {

bool IsAnswer(Outcome outcome) {
  return outcome == Outcome::kFound || outcome == Outcome::kNotFound || outcome == Outcome::kNoPrice;
}

std::string Until(absl::Time time) {
  return time == absl::InfinitePast() || time == absl::InfiniteFuture()
             ? ""
             : absl::StrCat(" until ", absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone()));
}

}  // namespace

Lane::Lane(size_t index, Provider& provider, const LaneOptions& options, common::EventLoop& loop,
           NotFoundCache& not_found, common::UniformRandom random, OracleObserver& observer)
    : index_(index),
      provider_(provider),
      options_(options),
      loop_(loop),
      not_found_(not_found),
      observer_(observer),
      breaker_(options.breaker, std::move(random)),
      latency_(options.latency),
      retry_credit_(options.retry_share) {
  Publish();
}

Lane::Standing Lane::Look(const chain::TokenRef& token, bool past_not_found) const {
  using Kind = Standing::Kind;
  const absl::Time now = loop_.Now();
  if (const auto until = not_found_.Until(static_cast<int>(index_), token, now); until && !past_not_found) {
    return {Kind::kShut, Outcome::kNotFound, absl::StrCat("it did not know the token; not asked", Until(*until))};
  }
  if (IsInFlight(token)) {
    return {breaker_.state() == BreakerState::kClosed ? Kind::kReady : Kind::kProbe};
  }
  const common::UpstreamBudget budget = provider_.budget();
  if (budget.limit > 0 && budget.remaining <= 0) {
    return {Kind::kShut, Outcome::kNoBudget, absl::StrCat("its budget is used up", Until(budget.closed_until))};
  }
  if (waiting_ >= options_.max_waiting) {
    observer_.OnLaneFull(index_);
    return {Kind::kShut, Outcome::kNoBudget, "too many questions wait for it"};
  }
  if (breaker_.state() == BreakerState::kClosed) return {Kind::kReady};
  if (breaker_.MayCall(now, static_cast<int>(calls_.size()))) return {Kind::kProbe};
  return {Kind::kShut, Outcome::kBreakerOpen,
          absl::StrCat("it failed lately; not asked", Until(breaker_.open_until()))};
}

void Lane::Ask(const chain::TokenRef& token, std::weak_ptr<void> interest, Done done) {
  Asked& asked = asked_[token];
  asked.listeners.push_back({std::move(interest), std::move(done)});
  if (asked.listeners.size() > 1) return observer_.OnJoined(index_);
  std::deque<Waiting>& queue = queues_[token.chain];
  queue.push_back({token, loop_.Now()});
  ++waiting_;
  WakeAt(DueAt());
}

bool Lane::IsInFlight(const chain::TokenRef& token) const {
  const auto asked = asked_.find(token);
  return asked != asked_.end() && asked->second.in_flight;
}

bool Lane::TryRetry() {
  if (!retry_credit_.TrySpend()) return false;
  observer_.OnRetry(index_);
  return true;
}

absl::Duration Lane::Linger() const {
  const common::UpstreamBudget budget = provider_.budget();
  if (budget.limit <= 0 || options_.linger_max <= options_.linger) return options_.linger;
  const double left = static_cast<double>(budget.remaining) / budget.limit;
  // 0 while half of it is left, 1 when nothing is.
  const double scarcity = std::clamp(1 - 2 * left, 0.0, 1.0);
  return options_.linger + (options_.linger_max - options_.linger) * scarcity;
}

absl::Time Lane::DueAt() const {
  const absl::Duration linger = Linger();
  absl::Time due = absl::InfiniteFuture();
  for (const auto& [chain, queue] : queues_) {
    if (queue.empty()) continue;
    due = std::min(due, queue.size() >= provider_.max_batch() ? absl::InfinitePast() : queue.front().since + linger);
  }
  return due;
}

void Lane::WakeAt(absl::Time time) {
  if (wake_timer_ != 0 && wake_at_ <= time) return;
  if (wake_timer_ != 0) loop_.Cancel(wake_timer_);
  wake_at_ = time;
  wake_timer_ = loop_.At(time, [weak = weak_from_this()] {
    const std::shared_ptr<Lane> lane = weak.lock();
    if (lane == nullptr) return;
    lane->wake_timer_ = 0;
    lane->Dispatch();
  });
}

void Lane::Dispatch() {
  std::vector<Told> told;
  while (waiting_ > 0 && static_cast<int>(calls_.size()) < options_.max_parallel) {
    const absl::Time now = loop_.Now();
    if (!breaker_.MayCall(now, static_cast<int>(calls_.size()))) {
      // Closed, it lets another call through when one of those in flight has ended.
      if (breaker_.state() == BreakerState::kClosed) break;
      FailWaiting(Outcome::kBreakerOpen, absl::StrCat("it failed lately; not asked", Until(breaker_.open_until())),
                  told);
      break;
    }
    if (const absl::Time due = DueAt(); due > now) {
      WakeAt(due);
      break;
    }
    std::vector<chain::TokenRef> batch = TakeBatch();
    if (batch.empty()) continue;
    const common::RateGrant grant = provider_.Admit();
    if (!grant.granted) {
      for (const chain::TokenRef& token : batch) {
        queues_[token.chain].push_front({token, now});
        ++waiting_;
      }
      FailWaiting(Outcome::kNoBudget, absl::StrCat("its budget is used up", Until(grant.retry_at)), told);
      break;
    }
    Send(batch);
  }
  Publish();
  Tell(told);
}

std::vector<chain::TokenRef> Lane::TakeBatch() {
  std::deque<Waiting>* oldest = nullptr;
  for (auto& [chain, queue] : queues_) {
    if (!queue.empty() && (oldest == nullptr || queue.front().since < oldest->front().since)) oldest = &queue;
  }
  // A full one leaves before an older one that still waits for company.
  for (auto& [chain, queue] : queues_) {
    if (queue.size() >= provider_.max_batch() && oldest->size() < provider_.max_batch()) oldest = &queue;
  }
  std::vector<chain::TokenRef> batch;
  while (!oldest->empty() && batch.size() < provider_.max_batch()) {
    const chain::TokenRef token = oldest->front().token;
    oldest->pop_front();
    --waiting_;
    const auto asked = asked_.find(token);
    const bool is_wanted = std::any_of(asked->second.listeners.begin(), asked->second.listeners.end(),
                                       [](const Listener& listener) { return !listener.interest.expired(); });
    if (is_wanted) {
      batch.push_back(token);
    } else {
      asked_.erase(asked);
    }
  }
  return batch;
}

void Lane::Send(const std::vector<chain::TokenRef>& tokens) {
  const absl::Time now = loop_.Now();
  const BreakerState before = breaker_.state();
  breaker_.OnCall();
  NoteBreaker(before);
  retry_credit_.Earn();
  ++calls_made_;
  for (const chain::TokenRef& token : tokens) asked_[token].in_flight = true;
  observer_.OnCall(index_, tokens.size());
  const uint64_t id = ++last_call_;
  Call& call = calls_[id];
  call.tokens = tokens;
  call.started = now;
  const std::weak_ptr<Lane> weak = weak_from_this();
  const absl::Time deadline = now + options_.timeout;
  call.timeout = loop_.At(deadline, [weak, id] {
    if (const auto lane = weak.lock()) {
      ProviderAnswer late;
      late.outcome = Outcome::kTimeout;
      late.detail = absl::StrCat("no answer within ", absl::FormatDuration(lane->options_.timeout));
      lane->Receive(id, {late}, true);
    }
  });
  provider_.Ask(tokens, deadline, [weak, id, loop = &loop_](std::vector<ProviderAnswer> answers) {
    loop->Post([weak, id, answers = std::move(answers)]() mutable {
      if (const auto lane = weak.lock()) lane->Receive(id, std::move(answers), false);
    });
  });
}

void Lane::Receive(uint64_t call_id, std::vector<ProviderAnswer> answers, bool is_late) {
  const auto found = calls_.find(call_id);
  // The answer to a call that was given up.
  if (found == calls_.end()) return;
  const Call call = std::move(found->second);
  calls_.erase(found);
  if (!is_late) loop_.Cancel(call.timeout);
  const absl::Time now = loop_.Now();
  ProviderAnswer missing;
  missing.outcome = Outcome::kBadAnswer;
  missing.detail = "the source left it out";
  answers.resize(call.tokens.size(), is_late ? answers.front() : missing);

  observer_.OnCallEnded(index_, now - call.started);
  JudgeCall(answers, now);
  const bool is_answered = std::any_of(answers.begin(), answers.end(),
                                       [](const ProviderAnswer& answer) { return IsAnswer(answer.outcome); });
  if (is_answered) latency_.Add(now, now - call.started);

  std::vector<Told> told;
  for (size_t i = 0; i < call.tokens.size(); ++i) {
    const auto asked = asked_.find(call.tokens[i]);
    SourceReport report = Report(call.tokens[i], std::move(answers[i]));
    observer_.OnOutcome(index_, report.outcome);
    told.push_back({std::move(asked->second.listeners), std::move(report)});
    asked_.erase(asked);
  }
  // Before the listeners ask again, so that what waits goes first.
  Dispatch();
  Tell(told);
}

void Lane::JudgeCall(const std::vector<ProviderAnswer>& answers, absl::Time now) {
  bool answered = false;
  bool all_limited = true;
  absl::Time retry_at = absl::InfinitePast();
  for (const ProviderAnswer& answer : answers) {
    answered |= IsAnswer(answer.outcome);
    all_limited &= answer.outcome == Outcome::kRateLimited || answer.outcome == Outcome::kNoBudget;
    retry_at = std::max(retry_at, answer.retry_at);
  }
  const BreakerState before = breaker_.state();
  if (answered) {
    breaker_.OnSuccess();
  } else if (all_limited) {
    breaker_.OnNeither(now, retry_at);
  } else {
    ++calls_failed_;
    breaker_.OnFailure(now, retry_at);
  }
  NoteBreaker(before);
}

SourceReport Lane::Report(const chain::TokenRef& token, ProviderAnswer answer) {
  SourceReport report;
  report.source = Word(provider_.name());
  report.outcome = answer.outcome;
  report.detail = std::move(answer.detail);
  if (answer.outcome == Outcome::kFound) {
    // The last place where a number that is no price could slip through.
    const bool is_price = !answer.observations.empty() && std::isfinite(answer.observations.front().value) &&
                          answer.observations.front().value > 0;
    if (is_price) {
      report.observation = std::move(answer.observations.front());
    } else {
      report.outcome = Outcome::kBadAnswer;
      report.detail = "its price is no price";
    }
  }
  if (report.outcome == Outcome::kFound) {
    not_found_.ForgetOne(static_cast<int>(index_), token);
  } else if (report.outcome == Outcome::kNotFound || report.outcome == Outcome::kNoPrice) {
    not_found_.Record(static_cast<int>(index_), token, loop_.Now());
  }
  return report;
}

void Lane::FailWaiting(Outcome outcome, const std::string& detail, std::vector<Told>& told) {
  for (auto& [chain, queue] : queues_) {
    for (const Waiting& waiting : queue) {
      const auto asked = asked_.find(waiting.token);
      SourceReport report;
      report.source = Word(provider_.name());
      report.outcome = outcome;
      report.detail = detail;
      observer_.OnOutcome(index_, outcome);
      told.push_back({std::move(asked->second.listeners), std::move(report)});
      asked_.erase(asked);
    }
    queue.clear();
  }
  waiting_ = 0;
}

void Lane::Tell(const std::vector<Told>& told) {
  Publish();
  for (const Told& one : told) {
    for (const Listener& listener : one.listeners) {
      if (!listener.interest.expired()) listener.done(one.report);
    }
  }
}

std::optional<absl::Duration> Lane::LearntTime() const {
  const absl::Time now = loop_.Now();
  std::vector<absl::Duration> running;
  for (const auto& [id, call] : calls_) running.push_back(now - call.started);
  return latency_.Quantile(now, running);
}

absl::Duration Lane::ExpectedTime() const {
  const std::optional<absl::Duration> learnt = latency_.Quantile(loop_.Now());
  if (!learnt.has_value()) return Linger() + options_.hedge_unknown;
  return Linger() + std::clamp(*learnt * options_.hedge_factor, options_.hedge_least, options_.hedge_most);
}

bool Lane::IsSlowBeside(const Lane& next) const {
  const std::optional<absl::Duration> own = LearntTime();
  if (!own.has_value() || *own <= options_.slow) return false;
  const std::optional<absl::Duration> others = next.LearntTime();
  return !others.has_value() || *own > *others * options_.slow_factor;
}

bool Lane::TakeSlowProbe() {
  const absl::Time now = loop_.Now();
  if (now < next_slow_probe_) return false;
  next_slow_probe_ = now + options_.slow_probe_interval;
  return true;
}

void Lane::NoteBreaker(BreakerState before) {
  if (breaker_.state() != before) observer_.OnBreaker(index_, breaker_.state());
}

void Lane::Publish() {
  common::MutexLock lock(mutex_);
  published_.name = std::string(provider_.name());
  published_.breaker = std::string(ToWord(breaker_.state()));
  published_.calls = calls_made_;
  published_.failures = calls_failed_;
}

ProviderState Lane::state() const {
  const common::UpstreamBudget budget = provider_.budget();
  common::MutexLock lock(mutex_);
  ProviderState state = published_;
  state.budget_remaining = budget.remaining;
  state.budget_limit = budget.limit;
  state.closed_until = budget.closed_until;
  return state;
}

}  // namespace tokenwatch::pricing

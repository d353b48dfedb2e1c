#include "pricing/loops/request_loop.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/sync/stop.h"
#include "pricing/loops/ask_and_wait.h"

namespace tokenwatch::pricing {
namespace {

constexpr int kBatch = 100;
constexpr absl::Duration kLook = absl::Seconds(1);
// Of one attempt; other replicas take the request again after the lease, should this process end.
constexpr absl::Duration kAttempt = absl::Seconds(20);
constexpr absl::Duration kLease = absl::Seconds(60);
// Bounds of the pause after the first attempt, and of every one; doubled with each, full jitter.
constexpr absl::Duration kFirstPause = absl::Seconds(5);
constexpr absl::Duration kLongestPause = absl::Minutes(10);

absl::Duration PauseBound(int attempts) {
  absl::Duration bound = kFirstPause;
  for (int i = 1; i < attempts && bound < kLongestPause; ++i) bound *= 2;
  return std::min(bound, kLongestPause);
}

}  // namespace

void RequestLoop::Wake() {
  common::MutexLock lock(mutex_);
  woken_ = true;
  woken_changed_.NotifyAll();
}

void RequestLoop::Sleep(absl::Duration span, const std::stop_token& stop) {
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

void RequestLoop::Run(const std::stop_token& stop) {
  common::Backoff backoff({.initial = absl::Milliseconds(50), .cap = absl::Seconds(2), .multiplier = 2},
                          common::SystemRandom());
  while (!stop.stop_requested()) {
    const absl::StatusOr<bool> more = Step(stop);
    if (!more.ok()) {
      common::SleepUnlessStopped(stop, backoff.Next());
      continue;
    }
    backoff.Reset();
    if (!*more) Sleep(kLook, stop);
  }
}

absl::StatusOr<bool> RequestLoop::Step(const std::stop_token& stop) {
  const absl::Time now = context_.clock.Now();
  auto due = context_.store.TakeDueRequests(kBatch, now, now + kLease, LoopDeadline(context_));
  if (!TellDatabase(context_, due.status(), "take due price requests")) return due.status();
  if (due->empty()) return false;
  std::vector<PriceRequest*> to_ask;
  for (PriceRequest& request : *due) {
    std::optional<Price> price = view_.Find(request.token, {}, now);
    if (price.has_value() && price->grade != Grade::kC) {
      context_.metrics.requests_from_log.Increment();
      ++request.attempts;
      Answer(request, *std::move(price));
    } else if (request.expires_at <= now) {
      PutOff(request, request.reason);
    } else {
      to_ask.push_back(&request);
    }
  }
  // What was taken and is not told about is taken again after its lease.
  if (!to_ask.empty() && !AskOracle(to_ask, stop)) return false;
  const absl::Status finished = context_.store.FinishRequests(*due, LoopDeadline(context_));
  if (!TellDatabase(context_, finished, "store outcomes of price requests")) return finished;
  listener_.OnRequests(*due);
  return due->size() == static_cast<size_t>(kBatch);
}

bool RequestLoop::AskOracle(const std::vector<PriceRequest*>& requests, const std::stop_token& stop) {
  std::vector<OracleQuestion> questions;
  for (const PriceRequest* request : requests) {
    OracleQuestion question;
    question.token = request->token;
    question.deadline = context_.clock.Now() + kAttempt;
    questions.push_back(question);
  }
  const std::optional<std::vector<OracleAnswer>> answers = AskAndWait(context_.oracle, questions, stop);
  if (!answers.has_value()) return false;
  const absl::Time now = context_.clock.Now();
  for (size_t i = 0; i < requests.size(); ++i) {
    PriceRequest& request = *requests[i];
    ++request.attempts;
    std::optional<Price> price = view_.Make(request.token, (*answers)[i], now);
    if (price.has_value()) {
      context_.metrics.requests_from_oracle.Increment();
      Answer(request, *std::move(price));
      continue;
    }
    // Better an old price, which says that it is old, than none.
    price = view_.Find(request.token, {}, now);
    if (price.has_value()) {
      context_.metrics.requests_from_log.Increment();
      Answer(request, *std::move(price));
    } else {
      PutOff(request, (*answers)[i].reason.empty() ? "no source has a price" : (*answers)[i].reason);
    }
  }
  return true;
}

void RequestLoop::Answer(PriceRequest& request, Price price) const {
  request.state = RequestState::kAnswered;
  request.reason.clear();
  request.price = std::move(price);
}

void RequestLoop::PutOff(PriceRequest& request, std::string reason) {
  const absl::Time now = context_.clock.Now();
  if (now >= request.expires_at) {
    request.state = RequestState::kExpired;
    request.reason = absl::StrCat("expired after ", request.attempts, " attempts; ",
                                  reason.empty() ? "no source was asked in time" : reason);
    context_.metrics.requests_expired.Increment();
    return;
  }
  request.reason = std::move(reason);
  const absl::Time again = now + random_() * PauseBound(request.attempts);
  request.next_attempt_at = std::min(again, request.expires_at);
  context_.metrics.requests_put_off.Increment();
}

}  // namespace tokenwatch::pricing

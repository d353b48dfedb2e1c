// Asks the sources about each token, in order, until one tells its name.
//
// A token goes through rounds. In a round each source that serves it is asked at most once: a full batch at a time,
// within the source's budget, and not when the source has said lately that it does not know the token. A source that is
// out of budget is passed over and returned to; waiting for budget is no attempt. A round without a name is followed,
// after a delay with full jitter, by another, up to a maximum; then the token is a dead letter. One round at a time is
// in memory: what it brought is handed out as a `Finished`, and the next begins with what was stored of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "common/cache/negative_cache.h"
#include "common/sync/mutex.h"
#include "common/time/backoff.h"
#include "common/time/clock.h"
#include "resolver/cascade/batcher.h"
#include "resolver/cascade/retry.h"
#include "resolver/impostor/known_tokens.h"
#include "resolver/resolution.h"
#include "resolver/sources/source.h"

namespace tokenwatch::resolver {

using NegativeCache = common::NegativeCache<TokenRef>;

// How a round ended.
enum class Verdict {
  kNamed,
  kNotFound,     // every source that could be asked does not know it
  kUnavailable,  // some source failed
  kInterrupted,  // no attempt: out of budget or out of time; to be taken up again
};
inline constexpr Verdict kAllVerdicts[] = {Verdict::kNamed, Verdict::kNotFound, Verdict::kUnavailable,
                                           Verdict::kInterrupted};
// "named", "not_found", "unavailable", "interrupted".
absl::string_view VerdictName(Verdict verdict);

// What a round brought, to be stored.
struct Finished {
  Resolution resolution;
  std::vector<Attempt> attempts;
  Verdict verdict = Verdict::kInterrupted;
  absl::Time started;
};

// Told once when what became of a token has been stored. Must be quick.
using Waiter = std::function<void(const Finished&)>;

// Counts of one source since the process began.
struct SourceCounts {
  int64_t calls = 0;
  int64_t found = 0;
  int64_t not_found = 0;
  int64_t failed = 0;
};

// For metrics. Called under the cascade's lock: must be quick and not call back.
class CascadeObserver {
 public:
  virtual ~CascadeObserver() = default;
  virtual void OnCall(size_t /*source*/, size_t /*tokens*/) {}
  virtual void OnCallEnded(size_t /*source*/, absl::Duration /*took*/) {}
  virtual void OnAnswer(size_t /*source*/, Outcome /*outcome*/) {}
  // A question that the negative cache spared.
  virtual void OnSpared(size_t /*source*/) {}
  // A token passed over a source that is out of budget.
  virtual void OnPassedOver(size_t /*source*/) {}
  virtual void OnFinished(Verdict /*verdict*/, absl::Duration /*took*/) {}
};

struct CascadeOptions {
  size_t capacity = 2000;      // tokens in memory, those waiting to be stored included
  int max_parallel_calls = 4;  // to one source
  absl::Duration linger = absl::Milliseconds(10);
  absl::Duration linger_max = absl::Milliseconds(500);
  // A source that cannot be asked for longer is passed over; for less it is waited for.
  absl::Duration budget_patience = absl::Seconds(2);
  RetryPolicy retry;
  NegativeCache::Options negative_cache;
};

// Thread-safe. Time passes by the injected clock, and only Pump acts on it.
class Cascade {
 public:
  // Sources in the order of asking; they, `known_tokens`, `clock` and `observer` must outlive the cascade.
  Cascade(const CascadeOptions& options, std::vector<Source*> sources, const KnownTokens& known_tokens,
          common::Clock& clock, common::UniformRandom random, CascadeObserver& observer);

  // Begins a round with what is known. At `give_up_at` an unfinished round is interrupted, unless a call is running.
  // `refresh` asks past the negative cache. False, taking nothing, when the token is at work already, there is no room,
  // or after Drain.
  bool Submit(const Resolution& known, absl::Time give_up_at, bool refresh) TW_EXCLUDES(mutex_);

  // Has `waiter` told what becomes of a token at work; false, forgetting it, when the token is not.
  bool Wait(const TokenRef& token, Waiter waiter) TW_EXCLUDES(mutex_);

  // Whether the token is at work or waits to be stored.
  bool Contains(const TokenRef& token) const TW_EXCLUDES(mutex_);
  // Tokens that may be submitted.
  size_t Room() const TW_EXCLUDES(mutex_);
  size_t size() const TW_EXCLUDES(mutex_);

  // Lets the sources be asked about the token at once.
  void ForgetNotFound(const TokenRef& token) TW_EXCLUDES(mutex_);
  // The same about every token.
  void ForgetAllNotFound() TW_EXCLUDES(mutex_);

  // Does all that is due. Returns when something will be due next without an answer or a submission.
  absl::Time Pump() TW_EXCLUDES(mutex_);
  // Sleeps until that time, an answer, a submission or `stop`.
  void WaitForWork(absl::Time until, const std::stop_token& stop);

  // Up to `max` rounds that ended, oldest first; waits for the first up to `timeout` of real time.
  std::vector<Finished> TakeFinished(size_t max, absl::Duration timeout, const std::stop_token& stop)
      TW_EXCLUDES(mutex_);
  // What was taken has been stored: tells the waiters and makes room.
  void Stored(const std::vector<Finished>& finished) TW_EXCLUDES(mutex_);

  // Takes no more tokens, starts no more calls and interrupts every round without a running call.
  void Drain() TW_EXCLUDES(mutex_);
  // Tells everybody who still waits that their tokens were interrupted. After the last Stored.
  void DismissWaiters() TW_EXCLUDES(mutex_);
  // True when no round is in progress.
  bool Idle() const TW_EXCLUDES(mutex_);

  const std::vector<Source*>& sources() const { return sources_; }
  std::vector<SourceCounts> source_counts() const TW_EXCLUDES(mutex_);

  struct Sizes {
    size_t at_work = 0;
    size_t parked = 0;  // waiting for a budget
    size_t negative_entries = 0;
    uint64_t negative_evicted = 0;
    std::vector<size_t> waiting = {};  // per source
  };
  Sizes sizes() const TW_EXCLUDES(mutex_);

 private:
  // Where one source stands in the round of one token.
  struct Slot {
    enum class Step { kToAsk, kBlocked, kDone } step = Step::kToAsk;
    // When asking (again) makes sense; for kBlocked and kDone.
    absl::Time ready_at = absl::InfinitePast();
    bool asked = false;
    Outcome outcome = Outcome::kNotFound;
    std::string detail = {};
  };
  struct Job {
    Resolution known;
    bool refresh = false;
    absl::Time started;
    absl::Time give_up_at;
    std::vector<Slot> slots;
    // The source it waits for or is being asked at; -1 when parked.
    int at = -1;
    bool asking = false;
    absl::Time parked_until = absl::InfiniteFuture();
    std::vector<Attempt> attempts;
  };
  struct Lane {  // what there is per source
    Lane(Source* of, const Batcher::Options& options) : source(of), batcher(options) {}
    Source* source;
    Batcher batcher;
    int calls_running = 0;
    size_t tokens_asking = 0;
    SourceCounts counts;
  };
  struct Reply {
    size_t lane;
    std::vector<TokenRef> tokens;
    absl::Time asked_at;
    std::vector<Answer> answers;
    absl::Time answered_at;
  };
  struct Inbox;

  void Advance(Job& job, absl::Time now) TW_REQUIRES(mutex_);
  void Park(Job& job, absl::Time now) TW_REQUIRES(mutex_);
  void WakeParked(absl::Time now) TW_REQUIRES(mutex_);
  void GiveUpLate(absl::Time now) TW_REQUIRES(mutex_);
  // Starts calls that are due; returns when the lane should be looked at again.
  absl::Time Dispatch(size_t lane, absl::Time now) TW_REQUIRES(mutex_);
  void PassOver(size_t lane, absl::Time until, absl::Time now) TW_REQUIRES(mutex_);
  void Ask(size_t lane, absl::Time now) TW_REQUIRES(mutex_);
  void Receive(Reply& reply) TW_REQUIRES(mutex_);
  void TakeAnswer(size_t lane, Job& job, Answer answer, const Reply& reply) TW_REQUIRES(mutex_);
  size_t Upstream(size_t lane) const TW_REQUIRES(mutex_);
  absl::Time EarliestReady(const Job& job) const TW_REQUIRES(mutex_);
  std::string Reason(const Job& job) const TW_REQUIRES(mutex_);

  void FinishNamed(Job& job, absl::Time now) TW_REQUIRES(mutex_);
  void FinishRound(Job& job, absl::Time now) TW_REQUIRES(mutex_);
  void Interrupt(Job& job, absl::Time retry_at, std::string reason, absl::Time now) TW_REQUIRES(mutex_);
  void Finish(Job& job, Verdict verdict, absl::Time now) TW_REQUIRES(mutex_);

  const CascadeOptions options_;
  const std::vector<Source*> sources_;
  const KnownTokens& known_tokens_;
  common::Clock& clock_;
  CascadeObserver& observer_;

  mutable common::Mutex mutex_;
  common::CondVar finished_changed_;
  common::UniformRandom random_ TW_GUARDED_BY(mutex_);
  NegativeCache not_found_ TW_GUARDED_BY(mutex_);
  std::vector<Lane> lanes_ TW_GUARDED_BY(mutex_);
  absl::flat_hash_map<TokenRef, std::unique_ptr<Job>> jobs_ TW_GUARDED_BY(mutex_);
  // Jobs, and finished rounds that are not stored yet.
  absl::flat_hash_set<TokenRef> busy_ TW_GUARDED_BY(mutex_);
  absl::flat_hash_map<TokenRef, std::vector<Waiter>> waiters_ TW_GUARDED_BY(mutex_);
  std::vector<Finished> finished_ TW_GUARDED_BY(mutex_);
  size_t parked_ TW_GUARDED_BY(mutex_) = 0;
  absl::Time next_unpark_ TW_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  absl::Time next_give_up_ TW_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  bool draining_ TW_GUARDED_BY(mutex_) = false;

  // Answers come from any thread, even from inside Ask; they are worked on by Pump. Shared with calls that outlive
  // this.
  const std::shared_ptr<Inbox> inbox_;
};

}  // namespace tokenwatch::resolver

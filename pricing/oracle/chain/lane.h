// The way to one provider: collects questions into batches, asks each token once however many want to know, keeps the
// budget, and does not ask while the breaker is open.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "chain/address.h"
#include "common/cache/negative_cache.h"
#include "common/sync/mutex.h"
#include "common/time/backoff.h"
#include "common/time/event_loop.h"
#include "pricing/oracle/gate/breaker.h"
#include "pricing/oracle/gate/credit.h"
#include "pricing/oracle/gate/latency.h"
#include "pricing/oracle/observer.h"
#include "pricing/oracle/oracle.h"
#include "pricing/oracle/provider.h"

namespace tokenwatch::pricing {

struct LaneOptions {
  // A part of a batch waits so long for company; longer, up to the maximum, the less is left of the budget once half of
  // it is used: then a call is to be worth its while.
  absl::Duration linger = absl::Milliseconds(5);
  absl::Duration linger_max = absl::Seconds(1);
  // Of one call.
  absl::Duration timeout = absl::Seconds(3);
  int max_parallel = 4;
  // Tokens that wait to be asked about; beyond that there is "no budget".
  size_t max_waiting = 5'000;
  // Retries, as a share of calls.
  double retry_share = 0.1;
  // A source that is asked only because another is slow is asked when the slow one has taken so much more than its
  // learnt time, within these.
  double hedge_factor = 1.1;
  absl::Duration hedge_least = absl::Milliseconds(50);
  absl::Duration hedge_most = absl::Seconds(2);
  absl::Duration hedge_unknown = absl::Milliseconds(500);
  // A source whose learnt time is above this, and more than `slow_factor` times that of the next, is asked after it;
  // once in a while it is asked besides, to learn whether it still is slow.
  absl::Duration slow = absl::Milliseconds(250);
  double slow_factor = 2;
  absl::Duration slow_probe_interval = absl::Seconds(10);
  BreakerOptions breaker;
  LatencyTracker::Options latency;
};

// What several lanes know together.
using NotFoundCache = common::NegativeCache<chain::TokenRef>;

// Everything runs on `loop`, but for state(), which is thread-safe.
class Lane : public std::enable_shared_from_this<Lane> {
 public:
  // Called on the loop, exactly once per Ask, never from inside it; not at all when the lane ends first.
  using Done = std::function<void(const SourceReport&)>;

  // All references must outlive the lane; `loop` also the provider's calls.
  Lane(size_t index, Provider& provider, const LaneOptions& options, common::EventLoop& loop, NotFoundCache& not_found,
       common::UniformRandom random, OracleObserver& observer);

  // Whether asking makes sense now.
  struct Standing {
    enum class Kind {
      kReady,
      kProbe,  // worth asking, not worth waiting for: it failed, or was slow, lately
      kShut,   // `outcome` and `detail` say why
    } kind = Kind::kReady;
    Outcome outcome = Outcome::kFound;
    std::string detail = {};
  };
  // `past_not_found`: also when it did not know the token lately.
  Standing Look(const chain::TokenRef& token, bool past_not_found) const;

  // `interest`: whoever wants to know; when nobody does any more, a token still waiting is not asked about.
  void Ask(const chain::TokenRef& token, std::weak_ptr<void> interest, Done done);
  // Whether a call about the token is on its way, and not only waiting to be made.
  bool IsInFlight(const chain::TokenRef& token) const;
  bool TryRetry();

  // Until when a call made now has probably been answered.
  absl::Duration ExpectedTime() const;
  // The learnt time of its calls, those that run included; nullopt when not enough is known.
  std::optional<absl::Duration> LearntTime() const;
  // Among others that are faster (see LaneOptions::slow).
  bool IsSlowBeside(const Lane& next) const;
  // Whether to ask a slow source besides; at most once an interval.
  bool TakeSlowProbe();

  ProviderState state() const TW_EXCLUDES(mutex_);
  size_t index() const { return index_; }
  absl::string_view name() const { return provider_.name(); }
  bool Serves(const chain::TokenRef& token) const { return provider_.Serves(token); }
  size_t waiting() const { return waiting_; }

 private:
  struct Listener {
    std::weak_ptr<void> interest;
    Done done;
  };
  struct Asked {
    std::vector<Listener> listeners;
    bool in_flight = false;
  };
  struct Waiting {
    chain::TokenRef token;
    absl::Time since;
  };
  struct Call {
    std::vector<chain::TokenRef> tokens;
    absl::Time started;
    common::EventLoop::TimerId timeout = 0;
  };
  struct Told {
    std::vector<Listener> listeners;
    SourceReport report;
  };

  void Dispatch();
  void WakeAt(absl::Time time);
  absl::Time DueAt() const;
  absl::Duration Linger() const;
  std::vector<chain::TokenRef> TakeBatch();
  void Send(const std::vector<chain::TokenRef>& tokens);
  void Receive(uint64_t call_id, std::vector<ProviderAnswer> answers, bool is_late);
  void JudgeCall(const std::vector<ProviderAnswer>& answers, absl::Time now);
  SourceReport Report(const chain::TokenRef& token, ProviderAnswer answer);
  void FailWaiting(Outcome outcome, const std::string& detail, std::vector<Told>& told);
  void Tell(const std::vector<Told>& told);
  void NoteBreaker(BreakerState before);
  void Publish() TW_EXCLUDES(mutex_);

  const size_t index_;
  Provider& provider_;
  const LaneOptions options_;
  common::EventLoop& loop_;
  NotFoundCache& not_found_;
  OracleObserver& observer_;

  Breaker breaker_;
  LatencyTracker latency_;
  ExtraCallCredit retry_credit_;
  absl::flat_hash_map<chain::TokenRef, Asked> asked_;
  std::map<chain::Chain, std::deque<Waiting>> queues_;
  size_t waiting_ = 0;
  std::map<uint64_t, Call> calls_;
  uint64_t last_call_ = 0;
  common::EventLoop::TimerId wake_timer_ = 0;
  absl::Time wake_at_ = absl::InfiniteFuture();
  absl::Time next_slow_probe_ = absl::InfinitePast();
  int64_t calls_made_ = 0;
  int64_t calls_failed_ = 0;

  mutable common::Mutex mutex_;
  ProviderState published_ TW_GUARDED_BY(mutex_);
};

}  // namespace tokenwatch::pricing

// The oracle chain: a cache in front of inquiries in front of a lane to each provider.
//
// Equal questions are one inquiry, and inquiries that need the same source for the same token are one question to it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "common/time/backoff.h"
#include "common/time/event_loop.h"
#include "pricing/oracle/chain/answer_cache.h"
#include "pricing/oracle/chain/inquiry.h"
#include "pricing/oracle/chain/lane.h"
#include "pricing/oracle/gate/credit.h"
#include "pricing/oracle/observer.h"
#include "pricing/oracle/oracle.h"
#include "pricing/oracle/provider.h"

namespace tokenwatch::pricing {

struct OracleChainOptions {
  AnswerCacheOptions cache;
  InquiryOptions inquiry;
  LaneOptions lane;
  // Hedges, as a share of inquiries that ask a source.
  double hedge_share = 0.1;
  // Questions that wait for an answer; beyond that they are answered with "too many".
  size_t max_waiting = 50'000;
  common::NegativeCacheOptions not_found = {.capacity = 100'000, .initial = absl::Seconds(1), .cap = absl::Minutes(10)};
};

// Asks run on `loop`; answers from the cache are given inside Ask. Somebody runs the loop, and stops doing so before
// the chain ends.
class OracleChain final : public Oracle {
 public:
  // Providers in the order of asking. All references must outlive the chain; `loop` also the providers' calls.
  // `random` is used on the loop.
  OracleChain(const OracleChainOptions& options, const std::vector<Provider*>& providers, common::EventLoop& loop,
              common::UniformRandom random, OracleObserver& observer);
  // Answers everybody who still waits.
  ~OracleChain() override;
  OracleChain(const OracleChain&) = delete;
  OracleChain& operator=(const OracleChain&) = delete;

  void Ask(const OracleQuestion& question, OracleCallback done) override;
  void AskMany(const std::vector<OracleQuestion>& questions,
               std::function<void(std::vector<OracleAnswer>)> done) override;
  std::vector<ProviderState> providers() const override;

  // The token has been launched, or traded: sources that did not know it may be asked at once.
  void ForgetNotFound(const chain::TokenRef& token);

  struct Sizes {
    size_t waiting = 0;  // questions
    size_t cached = 0;
  };
  Sizes sizes() const;

 private:
  class Core;
  struct Begun {
    OracleQuestion question;
    // Null: the answer is for the cache alone.
    OracleCallback done;
    absl::Time asked_at;
  };

  void Begin(std::vector<Begun> questions) TW_EXCLUDES(mutex_);
  std::vector<Begun> TakeIntake() TW_EXCLUDES(mutex_);

  const OracleChainOptions options_;
  common::EventLoop& loop_;
  OracleObserver& observer_;
  AnswerCache cache_;
  std::atomic<size_t> waiting_ = 0;
  common::Mutex mutex_;
  // On its way to the loop. Not in the tasks themselves: those may be destroyed without having run.
  std::vector<Begun> intake_ TW_GUARDED_BY(mutex_);
  // What runs on the loop; tasks on the loop hold it weakly.
  std::shared_ptr<Core> core_;
};

}  // namespace tokenwatch::pricing

// What the oracle chain tells about its work, for metrics.
#pragma once

#include <cstddef>

#include "absl/time/time.h"
#include "pricing/oracle/gate/breaker.h"
#include "pricing/oracle/observation.h"

namespace tokenwatch::pricing {

// How a question was answered.
enum class AnsweredBy : uint8_t {
  kCache = 1,    // a fresh answer
  kStaleCache,   // a stale one, while a fresh one is fetched
  kSources,      // sources had a price
  kNobody,       // no source has one
  kRefused,      // not asked: too many questions wait
  kInterrupted,  // the caller's deadline, or the end of the service
};

// Called on the chain's loop, and on the caller's thread for answers from the cache: thread-safe, quick, not calling
// back. `provider` is an index in the order of the chain.
class OracleObserver {
 public:
  virtual ~OracleObserver() = default;
  virtual void OnCall(size_t /*provider*/, size_t /*tokens*/) {}
  virtual void OnCallEnded(size_t /*provider*/, absl::Duration /*took*/) {}
  // One token's answer of a source that was asked, or why it was not.
  virtual void OnOutcome(size_t /*provider*/, Outcome /*outcome*/) {}
  // A question that the negative cache spared a source.
  virtual void OnSpared(size_t /*provider*/) {}
  // A question that joined one already on its way to the source.
  virtual void OnJoined(size_t /*provider*/) {}
  virtual void OnBreaker(size_t /*provider*/, BreakerState /*state*/) {}
  virtual void OnRetry(size_t /*provider*/) {}
  // A source was asked because another is slow.
  virtual void OnHedge(size_t /*provider*/) {}
  // ... and answered first.
  virtual void OnHedgeWon(size_t /*provider*/) {}
  virtual void OnAnswered(AnsweredBy /*by*/, absl::Duration /*took*/) {}
  // A source's waiting questions are as many as they may be.
  virtual void OnLaneFull(size_t /*provider*/) {}
  // The look-up cache made room for another answer; `alive`: of one that had not expired.
  virtual void OnEvicted(bool /*alive*/) {}
};

}  // namespace tokenwatch::pricing

// Answers stored price requests: from memory, else from the oracles, else later.
#pragma once

#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "common/sync/mutex.h"
#include "common/time/backoff.h"
#include "pricing/loops/context.h"
#include "pricing/price_request_listener.h"
#include "pricing/price_view.h"

namespace tokenwatch::pricing {

// Run by one thread; Wake is for any.
class RequestLoop {
 public:
  RequestLoop(const LoopContext& context, const PriceView& view, PriceRequestListener& listener,
              common::UniformRandom random = common::SystemRandom())
      : context_(context), view_(view), listener_(listener), random_(std::move(random)) {}

  void Run(const std::stop_token& stop) TW_EXCLUDES(mutex_);
  // A request was stored.
  void Wake() TW_EXCLUDES(mutex_);

  // Takes the requests that are due through one attempt. Whether there may be more at once; an error has been told.
  absl::StatusOr<bool> Step(const std::stop_token& stop);

 private:
  // False when stopped before the oracle answered.
  bool AskOracle(const std::vector<PriceRequest*>& requests, const std::stop_token& stop);
  void Answer(PriceRequest& request, Price price) const;
  // No source had a price: later again, or never.
  void PutOff(PriceRequest& request, std::string reason);
  void Sleep(absl::Duration span, const std::stop_token& stop) TW_EXCLUDES(mutex_);

  const LoopContext context_;
  const PriceView& view_;
  PriceRequestListener& listener_;
  common::UniformRandom random_;

  common::Mutex mutex_;
  common::CondVar woken_changed_;
  bool woken_ TW_GUARDED_BY(mutex_) = false;
};

}  // namespace tokenwatch::pricing

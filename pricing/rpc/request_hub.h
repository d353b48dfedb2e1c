// Streams that follow a stored price request until it has ended.
//
// What this replica answers is told at once; what another one answers is noticed by reading the request again, at first
// every second and then less often.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/rpc/pull_stream.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "pricing/price_request_listener.h"
#include "pricing/store.h"
#include "tokenwatch/pricing/v1/pricing.pb.h"

namespace tokenwatch::pricing {

// Thread-safe. Outlives the streams of its sources.
class RequestHub final : public PriceRequestListener {
 public:
  struct Options {
    // The first pause before a request is read again, and the longest; it doubles.
    absl::Duration poll_interval = absl::Seconds(1);
    absl::Duration max_poll_interval = absl::Seconds(15);
    absl::Duration read_timeout = absl::Seconds(5);
  };

  RequestHub(const Options& options, Store& store, common::Clock& clock);
  ~RequestHub() override;

  void OnRequests(absl::Span<const PriceRequest> requests) override TW_EXCLUDES(mutex_);

  // Called after a new request was stored, so that it is looked at without delay. Set before the first Open.
  void OnStored(std::function<void()> stored) { stored_ = std::move(stored); }

  // Stores the request, or finds the one of its id; then every state it takes, until it has ended.
  std::unique_ptr<common::PullSource<v1::RequestPriceResponse>> Open(PriceRequest request);

 private:
  class Source;
  // A stream that waits.
  struct Waiter {
    std::string request_id;
    std::function<void()> wake;
    absl::Time read_again_at;
    // What it became meanwhile.
    std::optional<PriceRequest> news;
  };

  void Run(const std::stop_token& stop) TW_EXCLUDES(mutex_);

  const Options options_;
  Store& store_;
  common::Clock& clock_;
  std::function<void()> stored_ = [] {};

  common::Mutex mutex_;
  common::CondVar changed_;
  uint64_t next_waiter_ TW_GUARDED_BY(mutex_) = 1;
  absl::flat_hash_map<uint64_t, Waiter> waiters_ TW_GUARDED_BY(mutex_);

  std::jthread thread_;
};

}  // namespace tokenwatch::pricing

#include "pricing/rpc/request_hub.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/sync/stop.h"
#include "pricing/rpc/convert.h"

namespace tokenwatch::pricing {
namespace {

// Whether a reader of `before` learns anything from `after`.
bool IsNews(const PriceRequest& before, const PriceRequest& after) {
  return before.state != after.state || before.attempts != after.attempts || before.reason != after.reason ||
         before.next_attempt_at != after.next_attempt_at;
}

}  // namespace

class RequestHub::Source final : public common::PullSource<v1::RequestPriceResponse> {
 public:
  Source(RequestHub& hub, PriceRequest request)
      : hub_(hub), request_(std::move(request)), pause_(hub.options_.poll_interval) {}
  ~Source() override { Disarm(); }

  common::Pull Next(v1::RequestPriceResponse* response, absl::Status* status) override {
    if (sent_ && request_.state != RequestState::kWaiting) return common::Pull::kEnd;
    auto present = Present();
    if (!present.ok()) {
      // A database that is away for a while does not end the stream of a request that is stored.
      if (sent_ && present.status().code() != absl::StatusCode::kNotFound) return common::Pull::kWait;
      *status = present.status();
      return common::Pull::kEnd;
    }
    const bool news = !sent_ || IsNews(request_, *present);
    request_ = *std::move(present);
    pause_ = news ? hub_.options_.poll_interval : std::min(2 * pause_, hub_.options_.max_poll_interval);
    if (!news) return common::Pull::kWait;
    sent_ = true;
    ToProto(request_, hub_.clock_.Now(), response->mutable_request());
    return common::Pull::kSend;
  }

  void Arm(std::function<void()> wake) override {
    common::MutexLock lock(hub_.mutex_);
    if (waiter_ == 0) waiter_ = hub_.next_waiter_++;
    Waiter& waiter = hub_.waiters_[waiter_];
    waiter.request_id = request_.request_id;
    waiter.wake = std::move(wake);
    waiter.read_again_at = hub_.clock_.Now() + pause_;
    // News that came between Next and now wakes at once.
    if (waiter.news.has_value()) waiter.read_again_at = absl::InfinitePast();
    hub_.changed_.NotifyAll();
  }

  void Disarm() override {
    Waiter dropped;
    common::MutexLock lock(hub_.mutex_);
    const auto waiter = hub_.waiters_.find(waiter_);
    if (waiter == hub_.waiters_.end()) return;
    dropped = std::move(waiter->second);
    hub_.waiters_.erase(waiter);
  }

  std::string Resume() const override {
    return absl::StrCat("call again with request_id \"", request_.request_id, "\" to follow the same request");
  }

 private:
  absl::StatusOr<PriceRequest> Present() {
    const absl::Time deadline = hub_.clock_.Now() + hub_.options_.read_timeout;
    if (!sent_) {
      auto stored = hub_.store_.AddRequest(request_, deadline);
      if (stored.ok()) {
        // From here on whatever becomes of it is heard.
        common::MutexLock lock(hub_.mutex_);
        waiter_ = hub_.next_waiter_++;
        hub_.waiters_[waiter_].request_id = stored->request_id;
        hub_.waiters_[waiter_].read_again_at = absl::InfiniteFuture();
      }
      if (stored.ok() && stored->state == RequestState::kWaiting) hub_.stored_();
      return stored;
    }
    {
      common::MutexLock lock(hub_.mutex_);
      const auto waiter = hub_.waiters_.find(waiter_);
      if (waiter != hub_.waiters_.end() && waiter->second.news.has_value()) {
        PriceRequest news = *std::move(waiter->second.news);
        waiter->second.news.reset();
        return news;
      }
    }
    return hub_.store_.GetRequest(request_.request_id, deadline);
  }

  RequestHub& hub_;
  PriceRequest request_;
  bool sent_ = false;
  absl::Duration pause_;
  uint64_t waiter_ = 0;
};

RequestHub::RequestHub(const Options& options, Store& store, common::Clock& clock)
    : options_(options), store_(store), clock_(clock), thread_([this](const std::stop_token& stop) { Run(stop); }) {}

RequestHub::~RequestHub() = default;

std::unique_ptr<common::PullSource<v1::RequestPriceResponse>> RequestHub::Open(PriceRequest request) {
  return std::make_unique<Source>(*this, std::move(request));
}

void RequestHub::OnRequests(absl::Span<const PriceRequest> requests) {
  absl::flat_hash_map<absl::string_view, const PriceRequest*> by_id;
  for (const PriceRequest& request : requests) by_id[request.request_id] = &request;
  std::vector<std::function<void()>> wakes;
  {
    common::MutexLock lock(mutex_);
    for (auto& [id, waiter] : waiters_) {
      const auto found = by_id.find(waiter.request_id);
      if (found == by_id.end()) continue;
      waiter.news = *found->second;
      if (waiter.wake) wakes.push_back(std::exchange(waiter.wake, nullptr));
    }
  }
  for (const std::function<void()>& wake : wakes) wake();
}

void RequestHub::Run(const std::stop_token& stop) {
  const common::StopWaker waker(stop, mutex_, changed_);
  while (!stop.stop_requested()) {
    std::vector<std::function<void()>> wakes;
    {
      common::MutexLock lock(mutex_);
      const absl::Time now = clock_.Now();
      absl::Time next = now + options_.max_poll_interval;
      for (auto& [id, waiter] : waiters_) {
        if (!waiter.wake) continue;
        if (waiter.read_again_at <= now) {
          wakes.push_back(std::exchange(waiter.wake, nullptr));
        } else {
          next = std::min(next, waiter.read_again_at);
        }
      }
      if (wakes.empty() && !stop.stop_requested()) changed_.WaitFor(mutex_, next - now);
    }
    for (const std::function<void()>& wake : wakes) wake();
  }
}

}  // namespace tokenwatch::pricing

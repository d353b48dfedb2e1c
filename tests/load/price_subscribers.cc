#include "tests/load/price_subscribers.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "tests/load/bench_platform.h"

namespace tokenwatch::load {
namespace {

namespace pb = ::tokenwatch::pricing::v1;
constexpr int kStreamsPerConnection = 100;

}  // namespace

class PriceSubscribers::Stream final : public grpc::ClientReadReactor<pb::StreamPricesResponse> {
 public:
  Stream(PriceSubscribers& owner, size_t number, bool reads) : owner_(owner), number_(number), reads_(reads) {}

  void Open(pb::PricingService::Stub& stub, const std::string& token) {
    pb::StreamPricesRequest request;
    request.add_tokens()->set_chain("solana");
    request.mutable_tokens(0)->set_address(token);
    stub.async()->StreamPrices(&context_, &request, this);
    if (reads_) StartRead(&response_);
    StartCall();
  }
  void End() {
    common::MutexLock lock(mutex_);
    ending_ = true;
    context_.TryCancel();
    while (!done_) ended_.Wait(mutex_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    const absl::Time now = absl::Now();
    for (const pb::Price& price : response_.prices()) owner_.Arrived(number_, price.cursor(), now);
    StartRead(&response_);
  }
  void OnDone(const grpc::Status& status) override {
    common::MutexLock lock(mutex_);
    if (!ending_) Fail("a subscriber was cut off: " + status.error_message());
    done_ = true;
    ended_.NotifyAll();
  }

 private:
  PriceSubscribers& owner_;
  const size_t number_;
  const bool reads_;
  grpc::ClientContext context_;
  pb::StreamPricesResponse response_;
  common::Mutex mutex_;
  common::CondVar ended_;
  bool ending_ TW_GUARDED_BY(mutex_) = false;
  bool done_ TW_GUARDED_BY(mutex_) = false;
};

PriceSubscribers::PriceSubscribers(const std::string& address, const std::string& token, int readers, int idle)
    : newest_(static_cast<size_t>(readers)) {
  for (int i = 0; i < readers + idle; ++i) {
    // Those that never read have a connection of their own: on a shared one gRPC's flow control would stop the others.
    if (i % kStreamsPerConnection == 0 || i == readers) {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      stubs_.push_back(pb::PricingService::NewStub(
          grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments)));
    }
    streams_.push_back(std::make_unique<Stream>(*this, static_cast<size_t>(i), i < readers));
    streams_.back()->Open(*stubs_.back(), token);
  }
}

PriceSubscribers::~PriceSubscribers() {
  for (const auto& stream : streams_) stream->End();
}

void PriceSubscribers::Arrived(size_t reader, uint64_t cursor, absl::Time at) {
  common::MutexLock lock(mutex_);
  arrivals_.push_back({cursor, at});
  newest_[reader] = std::max(newest_[reader], cursor);
}

void PriceSubscribers::Durable(uint64_t cursor, absl::Time at) {
  common::MutexLock lock(mutex_);
  durable_[cursor] = at;
}

void PriceSubscribers::AwaitCursor(uint64_t cursor, absl::Duration limit) {
  const absl::Time deadline = absl::Now() + limit;
  while (absl::Now() < deadline) {
    {
      common::MutexLock lock(mutex_);
      if (std::all_of(newest_.begin(), newest_.end(), [&](uint64_t newest) { return newest >= cursor; })) return;
    }
    absl::SleepFor(absl::Milliseconds(5));
  }
  Fail("a subscriber did not get the last price");
}

std::vector<double> PriceSubscribers::TakeLatenciesMs() {
  common::MutexLock lock(mutex_);
  std::vector<double> ms;
  for (const Arrival& arrival : arrivals_) {
    const auto durable = durable_.find(arrival.cursor);
    if (durable != durable_.end())
      ms.push_back(std::max(0.0, absl::ToDoubleMilliseconds(arrival.at - durable->second)));
  }
  arrivals_.clear();
  return ms;
}

}  // namespace tokenwatch::load

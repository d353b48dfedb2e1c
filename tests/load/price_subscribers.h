// Many subscribers of one token's price, on few connections, that note when each price arrived.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "grpcpp/grpcpp.h"
#include "tokenwatch/pricing/v1/pricing.grpc.pb.h"

namespace tokenwatch::load {

// Thread-safe.
class PriceSubscribers {
 public:
  // Opens `readers` streams that read all they get and `idle` ones that never read.
  PriceSubscribers(const std::string& address, const std::string& token, int readers, int idle);
  // Ends all streams.
  ~PriceSubscribers();

  // The trade at `cursor` is durable since `at`.
  void Durable(uint64_t cursor, absl::Time at) TW_EXCLUDES(mutex_);
  // Until every reader has seen that cursor; ends the program when they do not within `limit`.
  void AwaitCursor(uint64_t cursor, absl::Duration limit) TW_EXCLUDES(mutex_);
  // From durable to arrival, of every price of every reader, 0 for those that were there before the reporter knew.
  // Prices that were conflated with a later one have none.
  std::vector<double> TakeLatenciesMs() TW_EXCLUDES(mutex_);

 private:
  class Stream;
  struct Arrival {
    uint64_t cursor;
    absl::Time at;
  };
  void Arrived(size_t reader, uint64_t cursor, absl::Time at) TW_EXCLUDES(mutex_);

  std::vector<std::unique_ptr<pricing::v1::PricingService::Stub>> stubs_;
  std::vector<std::unique_ptr<Stream>> streams_;
  common::Mutex mutex_;
  absl::flat_hash_map<uint64_t, absl::Time> durable_ TW_GUARDED_BY(mutex_);
  std::vector<Arrival> arrivals_ TW_GUARDED_BY(mutex_);
  std::vector<uint64_t> newest_ TW_GUARDED_BY(mutex_);
};

}  // namespace tokenwatch::load

// The oracle chain with all that it runs on: the network, the providers, and a thread.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "common/http/client.h"
#include "common/metrics/registry.h"
#include "common/time/clock.h"
#include "common/time/event_loop.h"
#include "pricing/config.h"
#include "pricing/metrics.h"
#include "pricing/oracle/chain/oracle_chain.h"

namespace tokenwatch::pricing {

// Made, stopped and destroyed by one thread; the oracle is for any, until this ends.
class Upstreams {
 public:
  // Errors are those of the key files. All references outlive this.
  static absl::StatusOr<std::unique_ptr<Upstreams>> Make(const Config& config, const ReferenceBook& references,
                                                         common::MetricRegistry& registry, common::Clock& clock);
  // Stop().
  ~Upstreams();

  Oracle& oracle() { return *chain_; }
  // Calls to providers fail from now on, so that nobody waits for them long.
  void EndCalls();
  // Answers everybody who waits; the oracle is gone then. Idempotent.
  void Stop();

 private:
  Upstreams(const Config& config, common::MetricRegistry& registry, common::Clock& clock);

  OracleMetrics metrics_;
  common::EventLoop loop_;
  common::HttpClient http_;
  std::vector<std::unique_ptr<Provider>> providers_;
  std::unique_ptr<OracleChain> chain_;
  common::ScopedSampler sampler_;
  std::jthread thread_;
};

}  // namespace tokenwatch::pricing

// What serving counts. Names and labels are held by a golden test; every series exists at zero from the start.
#pragma once

#include "common/metrics/registry.h"
#include "common/rpc/pull_stream.h"
#include "pricing/rpc/price_hub.h"

namespace tokenwatch::pricing {

struct ServingMetrics {
  explicit ServingMetrics(common::MetricRegistry& registry);

  // Reads the hub and the streams before each scrape, until the sampler ends; all must live until then.
  common::ScopedSampler Sample(common::MetricRegistry& registry, const PriceHub& hub,
                               const common::StreamSet& price_streams, const common::StreamSet& request_streams);

  // GetPrice by where the answer was found: memory, or behind it (database, log, oracles).
  prometheus::Counter& from_memory;
  prometheus::Counter& from_behind;
  prometheus::Counter& batch_prices;
  prometheus::Counter& batch_missing;

 private:
  struct Streams {
    prometheus::Gauge& open;
    prometheus::Counter& refused;
    prometheus::Counter& cut_off;
  };
  static Streams MakeStreams(common::MetricRegistry& registry, const std::string& kind);
  static void Set(const Streams& streams, const common::StreamSet::Counts& counts);

  const Streams price_streams_;
  const Streams request_streams_;
  prometheus::Counter& changes_;
  prometheus::Counter& streamed_;
  prometheus::Counter& messages_;
  prometheus::Counter& conflated_;
};

}  // namespace tokenwatch::pricing

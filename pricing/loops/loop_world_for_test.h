// What loops need, around a market in memory.
#pragma once

#include <string>

#include "common/app/readiness.h"
#include "common/metrics/registry.h"
#include "pricing/loops/context.h"
#include "pricing/testing/world.h"

namespace tokenwatch::pricing {

// Series of two trades are worth rows, which are due at once.
inline FoldOptions EagerOptions() {
  FoldOptions options;
  options.persist_trades = 2;
  options.row_interval = absl::ZeroDuration();
  return options;
}

class LoopWorld {
 public:
  explicit LoopWorld(const FoldOptions& options = EagerOptions()) : world(options) {
    config.dsn = "test";
    config.providers.order = {"dexscreener"};
    config.flush_interval = absl::Seconds(60);
    config.persist_trades = static_cast<int64_t>(options.persist_trades);
  }

  LoopContext context() {
    return {config,      world.store, world.log, world.oracle, world.references,
            world.clock, metrics,     detector,  database,     log};
  }
  // Why it is not ready; empty when it is.
  std::string NotReady(const std::string& condition) const {
    for (const common::Readiness::Reason& reason : readiness.NotReady()) {
      if (reason.name == condition) return reason.reason;
    }
    return "";
  }

  Config config;
  World world;
  common::MetricRegistry registry;
  WorkMetrics metrics{registry};
  common::Readiness readiness;
  common::Readiness::Condition detector = readiness.Add("detector", "not asked yet");
  common::Readiness::Condition database = readiness.Add("database", "not asked yet");
  common::Readiness::Condition log = readiness.Add("log", "not followed yet");
};

}  // namespace tokenwatch::pricing

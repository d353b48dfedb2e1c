// A session and flags with which pricing writes, lets go and reads back all the time, so that a fault at any moment
// finds something under way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/functional/recordings.h"

namespace tokenwatch::functional {

// A trade on the wire between detector and pricing, about.
inline constexpr uint64_t kTradeBytes = 450;

// Some hours of event time: minutes, chunks of candles and idle series come and go.
inline Session HoursOfTrades(uint64_t trades, uint64_t launches, uint64_t seed = 1) {
  sim::Options options;
  options.seed = seed;
  options.trades = trades;
  options.launches = launches;
  options.trades_per_second = trades < 40'000 ? 1 : trades / 40'000;
  options.failed_ppm = 0;
  return Simulate(options);
}

// So small that rows are written, in one transaction or in parts, and series leave memory and come back, all the time.
inline std::vector<std::string> SmallFolds(std::vector<std::string> more = {}) {
  std::vector<std::string> flags = {"--flush_interval=20ms", "--row_interval=5m", "--idle=10m",       "--max_hot=50",
                                    "--max_dirty=20",        "--flush_rows=10",   "--parted_series=3"};
  for (std::string& flag : more) flags.push_back(std::move(flag));
  return flags;
}

}  // namespace tokenwatch::functional

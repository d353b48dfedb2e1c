// What a simulation is made from. The same options give the same frames, byte for byte, on any machine.
#pragma once

#include <cstdint>

#include "absl/status/status.h"

namespace tokenwatch::sim {

// Shares are in parts per million, so that no rounding of a decimal decides an outcome.
struct Options {
  uint64_t seed = 1;
  uint64_t launches = 100;  // at least 1
  uint64_t trades = 10'000;
  uint64_t wallets = 2'000;            // at least 2
  int64_t start_s = 1'783'165'101;     // Unix time of the first transaction
  uint64_t trades_per_second = 1'000;  // of event time; launches come in proportion to `launches`

  bool solana_feed = true;
  bool pumpportal_feed = false;
  bool pumpportal_trades = false;  // buy and sell frames too, as a funded key gets them

  uint32_t failed_ppm = 300'000;  // of the solana frames
  uint32_t truncated_ppm = 0;     // of the solana frames with trades
  uint32_t hostile_name_ppm = 30'000;
  uint32_t mayhem_ppm = 180'000;
  uint32_t cashback_ppm = 300'000;
  uint32_t pumpportal_nameless_ppm = 50'000;
  // What one feed misses and the other has; without effect unless both feeds are on.
  uint32_t pumpportal_missing_ppm = 136'000;
  uint32_t solana_missing_ppm = 52'000;

  // INVALID_ARGUMENT naming the option that cannot be.
  absl::Status Validate() const;
};

}  // namespace tokenwatch::sim

// Where the service stands, as its loops know it.
#pragma once

#include <cstdint>

#include "pricing/fold/fold.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

struct ServiceState {
  Checkpoint position;
  // Head of the detector's log as last heard; 0 when it was not.
  uint64_t log_head = 0;
  bool is_writer = false;
  FoldCounts fold;
  // Since the process started.
  uint64_t rows_written = 0;
  uint64_t transactions = 0;
  // Rows that one update for each trade would have written, less those that were.
  uint64_t rows_saved = 0;
};

// Thread-safe.
class StateSource {
 public:
  virtual ~StateSource() = default;
  virtual ServiceState state() const = 0;
};

}  // namespace tokenwatch::pricing

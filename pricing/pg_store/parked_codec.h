// What a row of parked_trades packs: for each series its fingerprint and the cursors of its trades, as differences.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

struct ParkedPart {
  std::string packed;
  size_t series = 0;
  size_t trades = 0;
};

// Parts of about `part_bytes` each, in the order of `parked`; none when that is empty.
std::vector<ParkedPart> PackParked(absl::Span<const ParkedSeries> parked, size_t part_bytes);

// DATA_LOSS for bytes that PackParked does not make; what came before the fault has been visited then.
absl::Status UnpackParked(absl::string_view packed, const std::function<void(ParkedSeries&&)>& visit);

}  // namespace tokenwatch::pricing

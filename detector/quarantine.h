// The second try on quarantined frames.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "detector/log/log_writer.h"
#include "detector/store.h"

namespace tokenwatch::detector {

struct Redecoded {
  int examined = 0;
  // Frames that decode now; they have left quarantine.
  int decoded = 0;
  // Events that entered the log.
  int events = 0;
};

// Decodes quarantined frames (by id, or the oldest of `reason`, any when empty) with the decoders of this build and has
// the writer log what they say. A frame that is still refused, or was cut when it was kept, stays. Blocks until all of
// it is durable. Errors of the store and of LogWriter::TrySubmit.
absl::StatusOr<Redecoded> Redecode(Store& store, LogWriter& writer, absl::Span<const uint64_t> ids,
                                   const std::string& reason, int limit, absl::Time deadline);

}  // namespace tokenwatch::detector

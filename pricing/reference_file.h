// Recorded references: lines of a recording (see common/recording/recording_file.h) whose feed is "reference" and whose
// raw text is {"asset": "<chain>:<address>", "usd": decimal text, "source": word}; the line's time is the event time.
// Lines of other feeds are passed over.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pricing/reference.h"

namespace tokenwatch::pricing {

// INVALID_ARGUMENT when the text is not of that form.
absl::StatusOr<Reference> ParseReference(absl::Time at, absl::string_view raw);

// All references of a file, in its order. INVALID_ARGUMENT names the file and the number of a bad line; NOT_FOUND,
// PERMISSION_DENIED and DATA_LOSS are the file's.
absl::StatusOr<std::vector<Reference>> ReadReferenceFile(const std::string& path);

}  // namespace tokenwatch::pricing

// JSON string literals, for frames and recordings.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace tokenwatch::sim {

// Appends `text` in quotes, escaped as JavaScript's JSON.stringify does: short escapes where JSON has them, \u00xx for
// other control characters, everything else as it is.
void AppendJsonString(absl::string_view text, std::string* out);

}  // namespace tokenwatch::sim

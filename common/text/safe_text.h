// Text that came from strangers, made safe to store, log and show.
//
// What may hide, reorder or break the text around it is removed: invalid UTF-8, control characters, bidirectional
// controls, zero-width and other invisible characters, private-use, unassigned and surrogate code points, and towers of
// combining marks. What remains is still a stranger's claim: safe to display, not true.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace tokenwatch::common {

struct SafeTextLimits {
  size_t max_bytes = 256;     // of UTF-8
  size_t max_graphemes = 96;  // characters as a reader counts them
};

struct SafeTextResult {
  std::string text;
  // True when something was lost: an unsafe character, an invalid byte, or the end of a text that was too long.
  // Trimming and collapsing plain spaces is no loss.
  bool removed = false;
};

// `raw` as valid UTF-8 without the above, runs of white space collapsed to one space, trimmed, and cut between
// graphemes at the limits. Idempotent: a result passes through unchanged. Thread-safe. Time is linear in the length of
// `raw`.
SafeTextResult SafeText(absl::string_view raw, const SafeTextLimits& limits = {});

// Whether `safe` (a result of SafeText) can serve as a name: something visible, not punctuation alone, and not one of
// the words that stand for "no name" ("unknown", "null", "n/a", "(unnamed ...)", ...), in any case. Thread-safe.
bool IsRealName(absl::string_view safe);

}  // namespace tokenwatch::common

// Text of strangers on a terminal: made harmless, measured in columns, and cut between characters as a reader sees
// them.
//
// All functions take UTF-8 (anything else in it becomes U+FFFD), hold no state a caller can see, and are thread-safe.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace tokenwatch::cli {

// `text` on one line, without anything that could steer a terminal or hide: control, format (bidi, zero-width),
// line-separating, private and unassigned characters each become U+FFFD, except the joiners and variation selectors
// inside an emoji. Of combining marks on one character the first 4 are kept. The result is a fixed point of the
// function.
std::string SanitizeText(absl::string_view text);

// Columns that a terminal uses for sanitized text: East Asian wide characters and emoji take 2, combining marks none.
int DisplayWidth(absl::string_view text);

// At most `width` columns of `text`: "abc…xyz" when it does not fit. A width below 1 gives nothing.
std::string ShortenMiddle(absl::string_view text, int width);

// At most `width` columns of `text`: "abcdef…" when it does not fit. A width below 1 gives nothing.
std::string ShortenEnd(absl::string_view text, int width);

}  // namespace tokenwatch::cli

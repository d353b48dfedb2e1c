// Colours by meaning, and what the place that output goes to can show.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace tokenwatch::cli {

enum class Style { kPlain, kTitle, kGood, kWarning, kBad };

// What the standard output is.
struct Terminal {
  bool is_terminal = false;
  bool colour = false;
  // Columns; 0 means that lines may be as long as they like.
  int width = 0;
  // Rows; 0 when there is no screen.
  int height = 0;
};

// `text` in the colours of `style`, or as it is without colour.
inline std::string Painted(absl::string_view text, Style style, bool colour) {
  if (!colour || style == Style::kPlain) return std::string(text.data(), text.size());
  const absl::string_view code = style == Style::kTitle     ? "1"
                                 : style == Style::kGood    ? "32"
                                 : style == Style::kWarning ? "33"
                                                            : "31";
  return absl::StrCat("\x1b[", code, "m", text, "\x1b[0m");
}

}  // namespace tokenwatch::cli

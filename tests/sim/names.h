// Names, symbols and metadata links of simulated launches: mostly what people type, some in other scripts, some
// hostile.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/sim/random.h"

namespace tokenwatch::sim {

enum class NameKind : uint8_t {
  kPlain,
  kUnicode,    // other scripts, emoji
  kBlank,      // empty, or nothing but white space or invisible characters: no name at all
  kBidi,       // overrides that turn the text round
  kZeroWidth,  // invisible characters between visible ones
  kControl,    // control characters, quotes, backslashes
  kOverlong,   // far beyond the 32 bytes the program allows today
  kMarkup,     // mentions, SQL, format strings
};

// "plain", "unicode", ...
absl::string_view NameKindText(NameKind kind);

struct TokenTexts {
  std::string name;  // valid UTF-8, as all three
  std::string symbol;
  std::string uri;
  NameKind kind = NameKind::kPlain;
};

// Draws the texts of one launch; `hostile_ppm` of them are one of the hostile kinds (blank to markup).
TokenTexts DrawTexts(Random& random, uint32_t hostile_ppm);

}  // namespace tokenwatch::sim

// What a program has said on standard error besides its log, which is JSON.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace tokenwatch::functional {

inline std::vector<std::string> PlainLines(absl::string_view errors) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(errors, '\n', absl::SkipEmpty())) {
    if (line.front() != '{') lines.emplace_back(line);
  }
  return lines;
}

}  // namespace tokenwatch::functional

// The seed corpus of each fuzz target, made from the recorded fixtures when it is needed.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tokenwatch::fuzz {

// The seeds of a target of kFuzzTargets by its name; none for other names.
std::vector<std::string> Seeds(absl::string_view target);

}  // namespace tokenwatch::fuzz

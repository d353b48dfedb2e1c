// The program, but for what only a process has.
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"

namespace tokenwatch::cli {

// Runs one command line (without the program's name) and returns its exit code; see exit_codes.h.
int Run(const std::vector<std::string>& arguments, Environment& environment);

}  // namespace tokenwatch::cli

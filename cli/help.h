// Help texts, made from the catalogue.
#pragma once

#include <string>

#include "cli/args.h"

namespace tokenwatch::cli {

// The help of what the invocation names: the whole program, a group, or a command.
std::string HelpText(const Catalogue& catalogue, const Invocation& invocation);

}  // namespace tokenwatch::cli

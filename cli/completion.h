// Completion scripts for shells, made from the catalogue.
#pragma once

#include <string>

#include "cli/args.h"

namespace tokenwatch::cli {

// Source it: `source <(tokenwatch completion bash)`. Needs nothing but bash 4.
std::string BashCompletion(const Catalogue& catalogue);

// A function for zsh's completion system, to be put into a file `_tokenwatch` on its fpath, or sourced after compinit.
std::string ZshCompletion(const Catalogue& catalogue);

// `tokenwatch completion fish | source`.
std::string FishCompletion(const Catalogue& catalogue);

}  // namespace tokenwatch::cli

// The commands of tokenwatch: the one place that says what there is.
#pragma once

#include "cli/args.h"

namespace tokenwatch::cli {

const Catalogue& TokenwatchCatalogue();

}  // namespace tokenwatch::cli

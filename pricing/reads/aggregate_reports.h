// One price out of what several sources reported.
#pragma once

#include <vector>

#include "pricing/oracle/observation.h"
#include "pricing/oracle/oracle.h"

namespace tokenwatch::pricing {

// Aggregates (see oracle/aggregate.h) the found prices anew, whatever was used or rejected before, except those that
// were rejected as stale. Pure; any thread.
OracleAnswer AggregateReports(std::vector<SourceReport> reports, int min_sources);

}  // namespace tokenwatch::pricing

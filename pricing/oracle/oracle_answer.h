// Answers of the oracle, made of what its sources reported. Pure functions; any thread.
#pragma once

#include <vector>

#include "pricing/oracle/observation.h"
#include "pricing/oracle/oracle.h"

namespace tokenwatch::pricing {

// Aggregates (see aggregate.h) the found prices anew, whatever was used or rejected before, except those that were
// rejected as stale.
OracleAnswer AggregateReports(std::vector<SourceReport> reports, int min_sources);

// Puts the used sources first, and fills in what these say of time and liquidity.
void DescribeUsed(OracleAnswer& answer);

}  // namespace tokenwatch::pricing

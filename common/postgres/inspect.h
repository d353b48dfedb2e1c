// Looking at the tables of a running service, for people who ask what is wrong.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/postgres/connection.h"
#include "common/postgres/database_report.h"
#include "common/postgres/verify.h"

namespace tokenwatch::common {

// Tables with more rows are reported with the planner's estimate, which for a partitioned table is that of its
// partitions together.
inline constexpr int64_t kExactRowsLimit = 100'000;

// Verifies and counts each table by itself, so that one that is wrong does not hide the others. What VerifyTables
// refuses becomes the table's problem; errors of the connection are returned. Takes a few queries for each table.
absl::StatusOr<DatabaseReport> InspectTables(Connection& connection, const VerifyOptions& options,
                                             absl::Span<const ExpectedTable> tables, absl::Time deadline);

}  // namespace tokenwatch::common

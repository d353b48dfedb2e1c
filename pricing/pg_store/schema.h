// The schema as a whole: bringing it up to date, checking it at start, and for people who ask.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/postgres/connection.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

// `dsn` with the settings of this service's sessions: the time zone, and plans by index without compilation.
std::string SessionDsn(const std::string& dsn);

// Applies the migrations that are missing, having checked that database and role are right, and verifies the tables.
// FAILED_PRECONDITION in one line names what is wrong (database, role, table or column) and what to do.
absl::Status PrepareSchema(common::Connection& connection, const std::string& expected_database,
                           const std::string& expected_role, absl::Time deadline);

// Looks at each expected table: exact row counts up to a limit, the planner's estimate beyond it.
absl::StatusOr<DatabaseState> InspectSchema(common::Connection& connection, absl::Time deadline);

}  // namespace tokenwatch::pricing

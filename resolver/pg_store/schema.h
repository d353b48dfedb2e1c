// Checking the schema: at start, and for people who ask.
#pragma once

#include <string>

#include "common/postgres/connection.h"
#include "resolver/store.h"

namespace tokenwatch::resolver {

// FAILED_PRECONDITION in one line that names what is wrong (database, role, table or column) and what to do.
absl::Status VerifySchema(common::Connection& connection, const std::string& expected_database,
                          const std::string& expected_role, absl::Time deadline);

// Looks at each expected table: exact row counts up to a limit, the planner's estimate beyond it.
absl::StatusOr<DatabaseState> InspectSchema(common::Connection& connection, absl::Time deadline);

}  // namespace tokenwatch::resolver

// Checking the schema: at start, and for people who ask.
#pragma once

#include <string>

#include "absl/types/span.h"
#include "common/postgres/connection.h"
#include "common/postgres/database_report.h"
#include "common/postgres/migration.h"
#include "resolver/store.h"

namespace tokenwatch::resolver {

// Applies the migrations that are missing, having checked that database and role are right, and verifies the tables.
// FAILED_PRECONDITION in one line names what is wrong (database, role, table or column) and what to do.
absl::Status PrepareSchema(common::Connection& connection, absl::Span<const common::Migration> migrations,
                           const std::string& expected_database, const std::string& expected_role, absl::Time deadline);

// Looks at each expected table.
absl::StatusOr<common::DatabaseReport> InspectSchema(common::Connection& connection, absl::Time deadline);

}  // namespace tokenwatch::resolver

// Checks at start that a connection string leads to the right database, as the right role, with the tables and columns
// that the program is going to use. What is wrong is said in one line that names it and what to do.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/postgres/connection.h"

namespace tokenwatch::common {

struct ExpectedColumn {
  std::string name;
  // As format_type() writes it: "bigint", "text", "bytea", "numeric(78,0)", "timestamp with time zone".
  std::string type;
};

struct ExpectedTable {
  // "schema.table"
  std::string name;
  // Any of 'r' for SELECT, 'a' for INSERT, 'w' for UPDATE, 'd' for DELETE: the letters of PostgreSQL's access lists.
  std::string privileges;
  // Further columns in the table are fine.
  std::vector<ExpectedColumn> columns;
};

struct VerifyOptions {
  // What must be current_database(); empty for any.
  std::string database;
  // What must be the current role; empty for any.
  std::string role;
  bool allow_superuser = false;
  // How the operator sets the connection string, as "--dsn", and what it should lead to, as "the main database".
  std::string setting;
  std::string target;
  // Tables that tell which other database this is when one of ours is missing, and that database's description, as
  // {"public.users", "the user database"}.
  struct Marker {
    std::string table;
    std::string description;
  };
  std::vector<Marker> markers;
};

// One query. FAILED_PRECONDITION with the first thing that is wrong, in the order of the arguments; errors of the
// connection as they are.
absl::Status VerifyTables(Connection& connection, const VerifyOptions& options, absl::Span<const ExpectedTable> tables,
                          absl::Time deadline);

}  // namespace tokenwatch::common

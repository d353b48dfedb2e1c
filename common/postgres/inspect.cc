#include "common/postgres/inspect.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/postgres/copy.h"

namespace tokenwatch::common {
namespace {

absl::Status CountRows(Connection& connection, absl::Time deadline, TableReport& table) {
  const std::string name = QuoteTable(table.name);
  // Never more than the limit is read, however wrong the estimate: a table that was just filled has none.
  const auto counted = connection.QuerySql(
      "count rows",
      absl::StrCat("SELECT count(*) FROM (SELECT FROM ", name, " LIMIT ", kExactRowsLimit + 1, ") counted"), deadline);
  if (!counted.ok()) return counted.status();
  table.rows = (*counted)[0][0].as<int64_t>();
  table.rows_estimated = table.rows > kExactRowsLimit;
  if (!table.rows_estimated) return absl::OkStatus();
  const auto estimate = connection.QuerySql(
      "estimate rows",
      absl::StrCat("SELECT COALESCE(sum(GREATEST(reltuples, 0)), 0)::bigint FROM pg_class WHERE oid IN (SELECT relid "
                   "FROM pg_partition_tree('",
                   name, "'::regclass) WHERE isleaf UNION SELECT '", name, "'::regclass) AND relkind <> 'p'"),
      deadline);
  if (!estimate.ok()) return estimate.status();
  table.rows = std::max((*estimate)[0][0].as<int64_t>(), table.rows);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DatabaseReport> InspectTables(Connection& connection, const VerifyOptions& options,
                                             absl::Span<const ExpectedTable> tables, absl::Time deadline) {
  const auto where = connection.QuerySql("ask for the database", "SELECT current_database(), current_user", deadline);
  if (!where.ok()) return where.status();
  DatabaseReport report;
  report.database = (*where)[0][0].as<std::string>();
  report.role = (*where)[0][1].as<std::string>();
  for (const ExpectedTable& expected : tables) {
    TableReport& table = report.tables.emplace_back();
    table.name = expected.name;
    const absl::Status verified = VerifyTables(connection, options, {&expected, 1}, deadline);
    if (absl::IsFailedPrecondition(verified)) {
      table.problem = std::string(verified.message());
      continue;
    }
    if (!verified.ok()) return verified;
    table.present = true;
    if (absl::Status status = CountRows(connection, deadline, table); !status.ok()) return status;
  }
  return report;
}

}  // namespace tokenwatch::common

#include "resolver/pg_store/schema.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/postgres/migrations.h"
#include "common/postgres/verify.h"

namespace tokenwatch::resolver {
namespace {

// Rows are counted one by one up to here.
constexpr int64_t kCountLimit = 100'000;

const std::vector<common::ExpectedTable>& ExpectedTables() {
  static const auto* const tables = new std::vector<common::ExpectedTable>{
      {"resolver.resolutions",
       "rawd",
       {{"chain", "text"},
        {"address", "text"},
        {"state", "text"},
        {"name", "text"},
        {"name_source", "text"},
        {"name_observed_at", "timestamp with time zone"},
        {"name_sanitized", "boolean"},
        {"symbol", "text"},
        {"symbol_source", "text"},
        {"symbol_observed_at", "timestamp with time zone"},
        {"symbol_sanitized", "boolean"},
        {"uri", "text"},
        {"uri_source", "text"},
        {"uri_observed_at", "timestamp with time zone"},
        {"uri_sanitized", "boolean"},
        {"decimals", "integer"},
        {"decimals_source", "text"},
        {"imitates_chain", "text"},
        {"imitates_address", "text"},
        {"attempts", "integer"},
        {"next_attempt_at", "timestamp with time zone"},
        {"reason", "text"},
        {"created_at", "timestamp with time zone"},
        {"updated_at", "timestamp with time zone"},
        {"leased_by", "text"},
        {"leased_until", "timestamp with time zone"},
        {"reported", "boolean"}}},
      {"resolver.attempts",
       "rawd",
       {{"chain", "text"},
        {"address", "text"},
        {"asked_at", "timestamp with time zone"},
        {"source", "text"},
        {"outcome", "text"},
        {"detail", "text"},
        {"latency_us", "bigint"}}},
      {"resolver.provider_budgets",
       "raw",
       {{"source", "text"},
        {"remaining", "integer"},
        {"limit_calls", "integer"},
        {"used", "integer"},
        {"last_used_at", "timestamp with time zone"},
        {"closed_until", "timestamp with time zone"},
        {"updated_at", "timestamp with time zone"}}},
      {"resolver.checkpoints",
       "raw",
       {{"name", "text"}, {"cursor", "bigint"}, {"updated_at", "timestamp with time zone"}}}};
  return *tables;
}

common::VerifyOptions Options(const std::string& database, const std::string& role) {
  common::VerifyOptions options;
  options.database = database;
  options.role = role;
  options.setting = "--dsn";
  options.target = "the platform database";
  return options;
}

absl::Status CountRows(common::Connection& connection, absl::Time deadline, TableState& table) {
  // Names are constants of this file.
  auto rows = connection.QuerySql(
      "count rows",
      absl::StrCat("SELECT count(*), (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = '", table.name,
                   "'::regclass) FROM (SELECT 1 FROM ", table.name, " LIMIT ", kCountLimit, ") counted"),
      deadline);
  if (!rows.ok()) return rows.status();
  table.rows = (*rows)[0][0].as<int64_t>();
  if (table.rows >= kCountLimit) {
    table.rows = std::max((*rows)[0][1].as<int64_t>(), table.rows);
    table.rows_estimated = true;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status PrepareSchema(common::Connection& connection, absl::Span<const common::Migration> migrations,
                           const std::string& expected_database, const std::string& expected_role,
                           absl::Time deadline) {
  const common::VerifyOptions options = Options(expected_database, expected_role);
  // Before anything is made: a superuser or a stranger would own what the service must own.
  if (absl::Status status = common::VerifyTables(connection, options, {}, deadline); !status.ok()) return status;
  const absl::Status migrated = common::ApplyMigrations(connection, "resolver", migrations, deadline).status();
  // Without the right to make tables, the tables that are missing say better which database this is.
  if (!migrated.ok() && !absl::IsPermissionDenied(migrated)) return migrated;
  const absl::Status verified = common::VerifyTables(connection, options, ExpectedTables(), deadline);
  return verified.ok() ? migrated : verified;
}

absl::StatusOr<DatabaseState> InspectSchema(common::Connection& connection, absl::Time deadline) {
  auto who = connection.QuerySql("ask who we are", "SELECT current_database(), current_user", deadline);
  if (!who.ok()) return who.status();
  DatabaseState state;
  state.database = (*who)[0][0].c_str();
  state.role = (*who)[0][1].c_str();
  for (const common::ExpectedTable& expected : ExpectedTables()) {
    TableState table;
    table.name = expected.name;
    const absl::Status verified =
        common::VerifyTables(connection, Options("", ""), absl::MakeConstSpan(&expected, 1), deadline);
    if (verified.code() == absl::StatusCode::kFailedPrecondition) {
      table.problem = std::string(verified.message());
    } else if (!verified.ok()) {
      return verified;
    } else {
      table.present = true;
      if (absl::Status status = CountRows(connection, deadline, table); !status.ok()) return status;
    }
    state.tables.push_back(std::move(table));
  }
  return state;
}

}  // namespace tokenwatch::resolver

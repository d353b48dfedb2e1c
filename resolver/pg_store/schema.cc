#include "resolver/pg_store/schema.h"

#include <vector>

#include "common/postgres/inspect.h"
#include "common/postgres/migrations.h"
#include "common/postgres/verify.h"

namespace tokenwatch::resolver {
namespace {

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

absl::StatusOr<common::DatabaseReport> InspectSchema(common::Connection& connection, absl::Time deadline) {
  return common::InspectTables(connection, Options("", ""), ExpectedTables(), deadline);
}

}  // namespace tokenwatch::resolver

#include "pricing/pg_store/schema.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "common/postgres/dsn.h"
#include "common/postgres/migration.h"
#include "common/postgres/migrations.h"
#include "common/postgres/verify.h"

namespace tokenwatch::pricing {

// Defined by the generated source that holds migrations/*.sql.
absl::Span<const common::Migration> Migrations();

namespace {

// Rows are counted one by one up to here.
constexpr int64_t kCountLimit = 100'000;

const std::vector<common::ExpectedTable>& ExpectedTables() {
  const std::string amount = "numeric(78,0)";
  const std::string time = "timestamp with time zone";
  static const auto* const tables = new std::vector<common::ExpectedTable>{
      {"pricing.token_prices",
       "raw",
       {{"chain", "text"},
        {"address", "text"},
        {"quote", "text"},
        {"first_at", time},
        {"high_quote_units", amount},
        {"high_token_units", amount},
        {"high_at", time},
        {"high_cursor", "bigint"},
        {"high_transaction", "text"},
        {"high_venue", "text"},
        {"high_detail", "bytea"},
        {"low_quote_units", amount},
        {"low_token_units", amount},
        {"low_at", time},
        {"is_partial", "boolean"},
        {"cursor", "bigint"},
        {"last_quote_units", amount},
        {"last_token_units", amount},
        {"last_at", time},
        {"last_transaction", "text"},
        {"last_venue", "text"},
        {"quote_volume", amount},
        {"token_volume", amount},
        {"trades", "bigint"},
        {"buys", "bigint"},
        {"traders", "bigint"},
        {"hot_score", "double precision"},
        {"venues", "text"},
        {"state", "bytea"},
        {"steady_digest", "uuid"}}},
      {"pricing.markets",
       "r",
       {{"chain", "text"}, {"address", "text"}, {"quote", "text"}, {"venue", "text"}, {"quote_reserve", amount}}},
      {"pricing.candles",
       "raw",
       {{"chain", "text"},
        {"address", "text"},
        {"quote", "text"},
        {"start", time},
        {"minutes", "integer"},
        {"packed", "bytea"}}},
      {"pricing.checkpoints",
       "rw",
       {{"name", "text"},
        {"flush", "bigint"},
        {"cursor", "bigint"},
        {"redo_cursor", "bigint"},
        {"newest_event", time},
        {"log_began", time},
        {"attempt", "bigint"}}},
      {"pricing.parked_trades",
       "rad",
       {{"flush", "bigint"}, {"part", "integer"}, {"series", "integer"}, {"trades", "bigint"}, {"packed", "bytea"}}},
      {"pricing.reference_prices",
       "ra",
       {{"chain", "text"}, {"address", "text"}, {"event_time", time}, {"source", "text"}, {"usd", "text"}}},
      {"pricing.watched_tokens", "rad", {{"chain", "text"}, {"address", "text"}, {"watched_at", time}}},
      {"pricing.price_requests",
       "rawd",
       {{"request_id", "text"},
        {"chain", "text"},
        {"address", "text"},
        {"state", "smallint"},
        {"created_at", time},
        {"expires_at", time},
        {"next_attempt_at", time},
        {"leased_until", time},
        {"attempts", "integer"},
        {"reason", "text"},
        {"price", "jsonb"}}}};
  return *tables;
}

common::VerifyOptions Options(const std::string& database, const std::string& role) {
  common::VerifyOptions options;
  options.database = database;
  options.role = role;
  options.setting = "--dsn";
  options.target = "the platform database";
  options.markers = {{"paper_trading.accounts", "the user database"}};
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

// The server says what was refused; the operator must know as whom and where, or that this is another database.
absl::Status ExplainRefusal(common::Connection& connection, const common::VerifyOptions& options,
                            const absl::Status& refused, absl::Time deadline) {
  const auto where = connection.QuerySql(
      "ask for the database", "SELECT current_database(), current_user, to_regnamespace('pricing') IS NULL", deadline);
  if (!where.ok()) return where.status();
  if ((*where)[0][2].as<bool>()) {
    const absl::Status missing = common::VerifyTables(connection, options, ExpectedTables(), deadline);
    if (!missing.ok()) return missing;
  }
  return absl::PermissionDeniedError(
      absl::StrCat("role \"", (*where)[0][1].c_str(), "\" may not make the tables of schema pricing in database \"",
                   (*where)[0][0].c_str(), "\" (", refused.message(),
                   "): set --dsn to the platform database, with the role that owns the schema"));
}

}  // namespace

std::string SessionDsn(const std::string& dsn) {
  auto settings = common::ParseDsn(dsn);
  if (!settings.ok()) return dsn;
  std::string& options = (*settings)["options"];
  // Statements are prepared while the tables may be empty, and the plans that PostgreSQL then keeps would read tables
  // as a whole. Reading the staging table as a whole counts as dear then, for which PostgreSQL would compile the plan:
  // 160 ms before the first row.
  // The keep-alives end the session, and with it the lock, of a writer whose machine has gone.
  options = absl::StrCat("-c TimeZone=UTC -c DateStyle=ISO -c jit=off -c enable_seqscan=off -c enable_hashjoin=off ",
                         "-c enable_mergejoin=off -c tcp_keepalives_idle=2 -c tcp_keepalives_interval=1 ",
                         "-c tcp_keepalives_count=2 ", options);
  return common::FormatDsn(*settings);
}

absl::Status PrepareSchema(common::Connection& connection, const std::string& expected_database,
                           const std::string& expected_role, absl::Time deadline) {
  const common::VerifyOptions options = Options(expected_database, expected_role);
  // Before anything is made: a superuser or a stranger would own what the service must own.
  if (absl::Status status = common::VerifyTables(connection, options, {}, deadline); !status.ok()) return status;
  const absl::Status migrated = common::ApplyMigrations(connection, "pricing", Migrations(), deadline).status();
  if (absl::IsPermissionDenied(migrated)) return ExplainRefusal(connection, options, migrated, deadline);
  return migrated.ok() ? common::VerifyTables(connection, options, ExpectedTables(), deadline) : migrated;
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

}  // namespace tokenwatch::pricing

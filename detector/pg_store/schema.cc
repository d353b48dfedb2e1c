#include "detector/pg_store/schema.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/postgres/copy.h"
#include "common/postgres/dsn.h"
#include "common/postgres/inspect.h"
#include "common/postgres/migrations.h"
#include "common/postgres/verify.h"
#include "detector/pg_store/log_session.h"
#include "detector/pg_store/statements.h"
#include "detector/pg_store/store.h"

namespace tokenwatch::detector {

// Made from the files of detector/migrations.
absl::Span<const common::Migration> Migrations();

namespace {

constexpr absl::Duration kMigrationLimit = absl::Minutes(30);
// For the last look at the tables, when migrations have used up the caller's time.
constexpr absl::Duration kVerifyLimit = absl::Seconds(5);

std::vector<common::ExpectedColumn> TokenTableColumns() {
  static const auto* types = new std::map<std::string, std::string>{
      {"first_cursor", "bigint"},
      {"name_sanitized", "boolean"},
      {"decimals", "smallint"},
      {"supply", "numeric(78,0)"},
      {"is_mayhem", "boolean"},
      {"is_cashback", "boolean"},
      {"launch_slot", "bigint"},
      {"launched_at", "timestamp with time zone"},
      {"first_seen_at", "timestamp with time zone"},
      {"named_at", "timestamp with time zone"},
      {"completed_at", "timestamp with time zone"},
      {"migrated_at", "timestamp with time zone"},
  };
  std::vector<common::ExpectedColumn> columns;
  for (const absl::string_view name : absl::StrSplit(kTokenColumns, ", ")) {
    const auto type = types->find(std::string(name));
    columns.push_back({std::string(name), type == types->end() ? "text" : type->second});
  }
  return columns;
}

std::vector<common::ExpectedColumn> PendingColumns() {
  std::vector<common::ExpectedColumn> columns = TokenTableColumns();
  columns.push_back({"claimed_by", "text"});
  columns.push_back({"lease_until", "timestamp with time zone"});
  columns.push_back({"claims", "integer"});
  return columns;
}

const std::vector<common::ExpectedTable>& ExpectedTables() {
  const std::string amount = "numeric(78,0)";
  const std::string time = "timestamp with time zone";
  static const auto* tables = new std::vector<common::ExpectedTable>{
      {"detector.detected_tokens", "rawd", TokenTableColumns()},
      {"detector.pending_tokens", "rawd", PendingColumns()},
      {"detector.token_events",
       "ra",
       {{"cursor", "bigint"},
        {"kind", "text"},
        {"event_time", time},
        {"chain", "text"},
        {"address", "text"},
        {"state", "smallint"},
        {"token", "jsonb"}}},
      {"detector.token_totals",
       "rawd",
       {{"state", "smallint"}, {"name_source", "text"}, {"tokens", "bigint"}, {"migrated", "bigint"}}},
      {"detector.trades",
       "ra",
       {{"cursor", "bigint"},
        {"event_time", time},
        {"slot", "bigint"},
        {"event_index", "integer"},
        {"side", "smallint"},
        {"is_mayhem", "boolean"},
        {"loose_time", "boolean"},
        {"chain", "text"},
        {"transaction", "text"},
        {"token", "text"},
        {"trader", "text"},
        {"venue", "text"},
        {"quote_address", "text"},
        {"feed", "text"},
        {"token_amount", amount},
        {"quote_amount", amount},
        {"virtual_token_reserve", amount},
        {"virtual_quote_reserve", amount},
        {"real_token_reserve", amount},
        {"real_quote_reserve", amount},
        {"protocol_fee", amount},
        {"creator_fee", amount}}},
      {"detector.log_heads",
       "rw",
       {{"shard", "smallint"},
        {"token_cursor", "bigint"},
        {"trade_cursor", "bigint"},
        {"quarantine_id", "bigint"},
        {"latest_trade", time},
        {"latest_loose_trade", time}}},
      {"detector.feed_positions", "raw", {{"reader", "text"}, {"source", "text"}, {"frames", "bigint"}}},
      {"detector.consumers", "rawd", {{"name", "text"}, {"cursor", "bigint"}, {"updated_at", time}}},
      {"detector.quarantined_frames",
       "rad",
       {{"id", "bigint"},
        {"feed", "text"},
        {"reason", "text"},
        {"detail", "text"},
        {"raw", "bytea"},
        {"raw_cut", "boolean"},
        {"raw_digest", "bytea"},
        {"received_at", time}}},
  };
  return *tables;
}

common::VerifyOptions VerifyOptionsFor(const std::string& expected_database) {
  common::VerifyOptions options;
  options.database = expected_database;
  options.setting = "--dsn";
  options.target = "the platform database";
  options.markers = {{"paper_trading.accounts", "the user database"}};
  return options;
}

// The server says what was refused; the operator must know as whom and where.
absl::Status ExplainRefusal(common::Connection& connection, const absl::Status& refused, absl::Time deadline) {
  const auto where = connection.QuerySql("ask for the database", "SELECT current_database(), current_user", deadline);
  if (!where.ok()) return where.status();
  return absl::PermissionDeniedError(
      absl::StrCat("role \"", (*where)[0][1].as<std::string>(), "\" may not make the tables of schema ", kSchema,
                   " in database \"", (*where)[0][0].as<std::string>(), "\" (", refused.message(),
                   "): set --dsn to the platform database, with the role that owns the schema"));
}

}  // namespace

std::string SessionDsn(const std::string& dsn) {
  auto settings = common::ParseDsn(dsn);
  if (!settings.ok()) return dsn;
  std::string& options = (*settings)["options"];
  // Statements are prepared while the tables may be empty, and the plans that PostgreSQL then keeps would read tables
  // as a whole: a launch took 16 ms instead of 3. All of them but counts and searches are look-ups by an index. Those
  // two get a plan whose cost stands for "disabled", and would be compiled because of it.
  options = absl::StrCat(
      "-c TimeZone=UTC -c DateStyle=ISO -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off "
      "-c jit=off ",
      options);
  return common::FormatDsn(*settings);
}

absl::Status PrepareSchema(const common::ConnectionOptions& options, const std::string& expected_database,
                           absl::Time deadline, common::PostgresObserver& observer, common::Clock& clock) {
  common::ConnectionOptions patient = options;
  patient.statement_timeout = kMigrationLimit;
  auto connection = common::Connection::Open(patient, deadline, observer, clock);
  if (!connection.ok()) return connection.status();
  const common::VerifyOptions verify = VerifyOptionsFor(expected_database);
  // Database and role first: nothing is created where it does not belong.
  if (absl::Status status = common::VerifyTables(**connection, verify, {}, deadline); !status.ok()) return status;
  // One that is missing may have to read the whole log, for an index. That is long, and is done once.
  const absl::Time migrated = std::max(deadline, clock.Now() + kMigrationLimit);
  if (const auto applied = common::ApplyMigrations(**connection, kSchema, Migrations(), migrated); !applied.ok()) {
    return absl::IsPermissionDenied(applied.status()) ? ExplainRefusal(**connection, applied.status(), deadline)
                                                      : applied.status();
  }
  return common::VerifyTables(**connection, verify, ExpectedTables(), std::max(deadline, clock.Now() + kVerifyLimit));
}

absl::StatusOr<common::DatabaseReport> DiagnoseSchema(common::Connection& connection, absl::Time deadline) {
  return common::InspectTables(connection, VerifyOptionsFor(""), ExpectedTables(), deadline);
}

absl::StatusOr<std::vector<std::string>> DropOldPartitions(common::Connection& connection, int keep_days,
                                                           absl::Time now, absl::Time deadline) {
  std::vector<std::string> dropped;
  const auto slowest = connection.Query("find the slowest consumer", kSlowestConsumer, deadline);
  if (!slowest.ok()) return slowest.status();
  const std::string read_by_all = (*slowest)[0][0].is_null() ? "NULL" : (*slowest)[0][0].as<std::string>();
  const auto partitions = connection.Query("list the partitions of trades", kListPartitions, deadline);
  if (!partitions.ok()) return partitions.status();
  // Names sort by day.
  std::vector<std::string> days;
  const std::string today = PartitionName(absl::ToCivilDay(now, absl::UTCTimeZone()));
  for (const auto& row : *partitions) {
    if (auto name = row[0].as<std::string>(); name <= today) days.push_back(std::move(name));
  }
  std::sort(days.begin(), days.end());
  if (days.size() > static_cast<size_t>(keep_days)) {
    days.resize(days.size() - static_cast<size_t>(keep_days));
  } else {
    days.clear();
  }
  for (const std::string& name : days) {
    const std::string table = common::QuoteTable(absl::StrCat(kSchema, ".", name));
    const auto unread =
        connection.QuerySql("look for unread trades",
                            absl::StrCat("SELECT ", read_by_all, " IS NOT NULL AND EXISTS (SELECT FROM ", table,
                                         " WHERE cursor > ", read_by_all, ")"),
                            deadline);
    if (!unread.ok()) return unread.status();
    if ((*unread)[0][0].as<bool>()) continue;
    const auto gone = connection.QuerySql("drop a partition of trades", absl::StrCat("DROP TABLE ", table), deadline);
    if (!gone.ok()) return gone.status();
    dropped.push_back(name);
  }
  return dropped;
}

std::string RefsJson(absl::Span<const chain::TokenRef> refs) {
  std::string json = "[";
  for (const chain::TokenRef& ref : refs) {
    if (json.size() > 1) json.push_back(',');
    absl::StrAppend(&json, R"({"chain":")", chain::ChainName(ref.chain), R"(","address":")", ref.address.text(), "\"}");
  }
  json.push_back(']');
  return json;
}

}  // namespace tokenwatch::detector

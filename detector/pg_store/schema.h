// The schema as a whole: bringing it up to date, checking it, retention.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/postgres/connection.h"
#include "common/postgres/database_report.h"
#include "detector/store.h"

namespace tokenwatch::detector {

// `dsn` with the settings of this service's sessions: the time zone in which rows are read, and plans by index.
std::string SessionDsn(const std::string& dsn);

// Applies the migrations that are missing and verifies what is there; see PgStore::Open.
absl::Status PrepareSchema(const common::ConnectionOptions& options, const std::string& expected_database,
                           absl::Time deadline, common::PostgresObserver& observer, common::Clock& clock);

absl::StatusOr<common::DatabaseReport> DiagnoseSchema(common::Connection& connection, absl::Time deadline);

// See Store::DropOldTrades.
absl::StatusOr<std::vector<std::string>> DropOldPartitions(common::Connection& connection, int keep_days,
                                                           absl::Time now, absl::Time deadline);

// [{"chain": ..., "address": ...}, ...]
std::string RefsJson(absl::Span<const chain::TokenRef> refs);

}  // namespace tokenwatch::detector

// The tables of a service as text, for comparing what two runs left behind.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/testing/pg_cluster.h"

namespace tokenwatch::functional {

// Rows of each table of a schema as PostgreSQL writes them, sorted. Partitions appear as their parent.
using Tables = std::map<std::string, std::vector<std::string>>;

// All tables of the schema but the record of its migrations, which holds when they ran. Fails the test on error.
Tables DumpTables(common::PgCluster& cluster, absl::string_view database, absl::string_view schema = "detector");

// Fails the test with the tables that differ and their first differing row.
void ExpectSameTables(const Tables& expected, const Tables& actual);

// Rows of each table.
std::map<std::string, size_t> RowCounts(const Tables& tables);

}  // namespace tokenwatch::functional

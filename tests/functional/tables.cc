#include "tests/functional/tables.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace tokenwatch::functional {

Tables DumpTables(common::PgCluster& cluster, absl::string_view database, absl::string_view schema) {
  Tables dump;
  const auto names = cluster.Query(
      database, absl::StrCat("SELECT relname FROM pg_class WHERE relnamespace = '", schema,
                             "'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> "
                             "'schema_migrations'"));
  EXPECT_TRUE(names.ok()) << names.status();
  if (!names.ok()) return dump;
  EXPECT_FALSE(names->empty()) << "schema " << schema << " of " << database << " has no tables";
  for (const auto& name : *names) {
    std::vector<std::string>& rows = dump[name[0]];
    const auto found = cluster.Query(database, absl::StrCat("SELECT t::text FROM ", schema, ".", name[0], " t"));
    EXPECT_TRUE(found.ok()) << found.status();
    if (!found.ok()) continue;
    for (const auto& row : *found) rows.push_back(row[0]);
    std::sort(rows.begin(), rows.end());
  }
  return dump;
}

void ExpectSameTables(const Tables& expected, const Tables& actual) {
  EXPECT_EQ(RowCounts(expected), RowCounts(actual));
  for (const auto& [table, rows] : expected) {
    const auto found = actual.find(table);
    if (found == actual.end() || found->second == rows) continue;
    const auto [left, right] = std::mismatch(rows.begin(), rows.end(), found->second.begin(), found->second.end());
    ADD_FAILURE() << "table " << table << " differs, first at row " << left - rows.begin() << "\n  expected "
                  << (left == rows.end() ? "its end" : *left) << "\n  found    "
                  << (right == found->second.end() ? "its end" : *right);
  }
}

std::map<std::string, size_t> RowCounts(const Tables& tables) {
  std::map<std::string, size_t> counts;
  for (const auto& [table, rows] : tables) counts[table] = rows.size();
  return counts;
}

}  // namespace tokenwatch::functional

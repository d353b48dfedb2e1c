#include "common/postgres/verify.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tokenwatch::common {
namespace {

struct FoundTable {
  bool exists = false;
  bool schema_usable = false;
  std::string privileges;
  std::map<std::string, std::string> columns;
};

struct Found {
  std::string database;
  std::string role;
  bool superuser = false;
  std::map<std::string, FoundTable> tables;
};

constexpr std::pair<char, const char*> kPrivileges[] = {
    {'r', "SELECT"}, {'a', "INSERT"}, {'w', "UPDATE"}, {'d', "DELETE"}};

// Names are looked up in the catalogue and not by ::regclass, which fails on a schema one may not use.
std::string Query(const std::vector<std::string>& quoted_names) {
  std::vector<std::string> rights;
  for (const auto& [letter, privilege] : kPrivileges) {
    rights.push_back(absl::StrCat("CASE WHEN has_table_privilege(c.oid, '", privilege, "') THEN '",
                                  std::string(1, letter), "' ELSE '' END"));
  }
  return absl::StrCat(
      "SELECT current_database(), current_user, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user), "
      "e.name, c.oid IS NOT NULL, coalesce(has_schema_privilege(s.oid, 'USAGE'), false), coalesce(",
      absl::StrJoin(rights, " || "),
      ", ''), a.attname, format_type(a.atttypid, a.atttypmod) "
      "FROM unnest(ARRAY[",
      absl::StrJoin(quoted_names, ", "),
      "]::text[] || ARRAY[NULL::text]) AS e(name) "
      "LEFT JOIN pg_namespace s ON s.nspname = split_part(e.name, '.', 1) "
      "LEFT JOIN pg_class c ON c.relnamespace = s.oid AND c.relname = split_part(e.name, '.', 2) "
      "AND c.relkind IN ('r', 'p', 'v', 'm', 'f') "
      "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped");
}

Found Read(Transaction& transaction, const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  for (const std::string& name : names) quoted.push_back(transaction.base().quote(name));
  Found found;
  for (const auto& row : transaction.ExecSql(Query(quoted))) {
    found.database = row[0].as<std::string>();
    found.role = row[1].as<std::string>();
    found.superuser = row[2].as<bool>();
    // The row without a name is there so that a check of no table still tells the database and the role.
    if (row[3].is_null()) continue;
    FoundTable& table = found.tables[row[3].as<std::string>()];
    table.exists = row[4].as<bool>();
    table.schema_usable = row[5].as<bool>();
    table.privileges = row[6].as<std::string>();
    if (!row[7].is_null()) table.columns[row[7].as<std::string>()] = row[8].as<std::string>();
  }
  return found;
}

std::string Advice(const VerifyOptions& options) {
  return absl::StrCat("set ", options.setting, " to ", options.target);
}

absl::Status CheckSession(const Found& found, const VerifyOptions& options) {
  if (!options.database.empty() && found.database != options.database) {
    return absl::FailedPreconditionError(
        absl::StrCat("the database is \"", found.database, "\" and not \"", options.database, "\": ", Advice(options)));
  }
  if (!options.role.empty() && found.role != options.role) {
    return absl::FailedPreconditionError(absl::StrCat("the role is \"", found.role, "\" and not \"", options.role,
                                                      "\" in database \"", found.database, "\": set its user in ",
                                                      options.setting));
  }
  if (found.superuser && !options.allow_superuser) {
    return absl::FailedPreconditionError(
        absl::StrCat("role \"", found.role, "\" is a superuser in database \"", found.database,
                     "\": set a role with rights on the service's own tables only in ", options.setting));
  }
  return absl::OkStatus();
}

absl::Status Missing(const ExpectedTable& table, const Found& found, const VerifyOptions& options) {
  const std::string start = absl::StrCat("table ", table.name, " is missing in database \"", found.database, "\": ");
  for (const VerifyOptions::Marker& marker : options.markers) {
    if (found.tables.at(marker.table).exists) {
      return absl::FailedPreconditionError(
          absl::StrCat(start, "the DSN points at ", marker.description, "; ", Advice(options)));
    }
  }
  return absl::FailedPreconditionError(
      absl::StrCat(start, Advice(options), ", or apply the migrations if it is that already"));
}

absl::Status CheckTable(const ExpectedTable& table, const Found& found, const VerifyOptions& options) {
  const FoundTable& real = found.tables.at(table.name);
  if (!real.exists) return Missing(table, found, options);
  const std::string where = absl::StrCat(" in database \"", found.database, "\"");
  for (const ExpectedColumn& column : table.columns) {
    const auto type = real.columns.find(column.name);
    if (type == real.columns.end()) {
      return absl::FailedPreconditionError(absl::StrCat("column ", table.name, ".", column.name, " is missing", where,
                                                        ": apply the migrations, or ", Advice(options)));
    }
    if (type->second != column.type) {
      return absl::FailedPreconditionError(absl::StrCat("column ", table.name, ".", column.name, " is ", type->second,
                                                        " and not ", column.type, where, ": apply the migrations, or ",
                                                        Advice(options)));
    }
  }
  if (!real.schema_usable) {
    const std::string schema = table.name.substr(0, table.name.find('.'));
    return absl::FailedPreconditionError(absl::StrCat("role \"", found.role, "\" may not use schema ", schema, where,
                                                      ": run GRANT USAGE ON SCHEMA ", schema, " TO ", found.role));
  }
  for (const auto& [letter, privilege] : kPrivileges) {
    if (table.privileges.find(letter) == std::string::npos || real.privileges.find(letter) != std::string::npos) {
      continue;
    }
    return absl::FailedPreconditionError(absl::StrCat("role \"", found.role, "\" may not ", privilege, " on ",
                                                      table.name, where, ": run GRANT ", privilege, " ON ", table.name,
                                                      " TO ", found.role));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status VerifyTables(Connection& connection, const VerifyOptions& options, absl::Span<const ExpectedTable> tables,
                          absl::Time deadline) {
  std::vector<std::string> names;
  for (const ExpectedTable& table : tables) names.push_back(table.name);
  for (const VerifyOptions::Marker& marker : options.markers) names.push_back(marker.table);
  const auto found = connection.Transact("verify the tables", deadline,
                                         [&](Transaction& transaction) { return Read(transaction, names); });
  if (!found.ok()) return found.status();
  if (absl::Status status = CheckSession(*found, options); !status.ok()) return status;
  for (const ExpectedTable& table : tables) {
    if (absl::Status status = CheckTable(table, *found, options); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace tokenwatch::common

#include "common/rpc/database_report.h"

namespace tokenwatch::common {

void ToProto(const DatabaseReport& report, v1::DatabaseReport* out) {
  out->set_database(report.database);
  out->set_role(report.role);
  for (const TableReport& table : report.tables) {
    v1::TableReport& row = *out->add_tables();
    row.set_name(table.name);
    row.set_present(table.present);
    row.set_problem(table.problem);
    row.set_rows(table.rows);
    row.set_rows_estimated(table.rows_estimated);
  }
}

}  // namespace tokenwatch::common

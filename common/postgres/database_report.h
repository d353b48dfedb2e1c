// What a service finds when it looks at the database it is connected to. Plain values, for stores to hand on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tokenwatch::common {

struct TableReport {
  // "schema.table"
  std::string name;
  // Whether it is there with all that the service needs of it.
  bool present = false;
  // What is wrong with it; empty when nothing is.
  std::string problem;
  // Rows, exact or the planner's estimate; 0 for a table that is not present.
  int64_t rows = 0;
  bool rows_estimated = false;
};

struct DatabaseReport {
  std::string database;
  std::string role;
  // In the order in which the service names them.
  std::vector<TableReport> tables;
};

}  // namespace tokenwatch::common

// A query with a name and a time limit. A store keeps its statements as constants in one array, the catalogue: every
// new connection prepares all of them at once, so a mistake in one is found when the program starts and not at first
// use.
#pragma once

#include "absl/time/time.h"

namespace tokenwatch::common {

struct Statement {
  // Unique within the catalogue; the label under which the statement is timed.
  const char* name;
  const char* sql;
  // How long the server may work on it, whatever the caller's deadline.
  absl::Duration timeout;
};

}  // namespace tokenwatch::common

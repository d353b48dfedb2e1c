// One numbered SQL file of a service's migrations/ folder, as tw_embed_migrations puts it into the program.
#pragma once

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tokenwatch::common {

struct Migration {
  int version;
  absl::string_view file;
  absl::string_view sql;
};

}  // namespace tokenwatch::common

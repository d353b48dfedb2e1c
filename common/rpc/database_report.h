// The database report of common/postgres in wire form.
#pragma once

#include "common/postgres/database_report.h"
#include "tokenwatch/common/v1/common.pb.h"

namespace tokenwatch::common {

void ToProto(const DatabaseReport& report, v1::DatabaseReport* out);

}  // namespace tokenwatch::common

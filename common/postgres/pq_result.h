// libpq's results, for what speaks to libpq without pqxx.
#pragma once

#include <memory>

#include <libpq-fe.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/postgres/errors.h"

namespace tokenwatch::common {

struct ClearPqResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using PqResult = std::unique_ptr<PGresult, ClearPqResult>;

inline bool IsLost(pg_conn* conn) { return PQstatus(conn) != CONNECTION_OK; }

inline absl::string_view ErrorField(const PGresult* result, int field) {
  const char* const text = PQresultErrorField(result, field);
  return text == nullptr ? absl::string_view() : absl::string_view(text);
}

inline absl::Status StatusOf(absl::string_view what, const PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
      return absl::OkStatus();
    default:
      return FromSqlState(what, ErrorField(result, PG_DIAG_SQLSTATE), PQresultErrorMessage(result));
  }
}

// In pipeline mode: the next statement's result, of which there is one; null when the connection was lost.
inline PqResult TakeResult(pg_conn* conn) {
  PqResult result(PQgetResult(conn));
  if (result == nullptr) return nullptr;
  const ExecStatusType kind = PQresultStatus(result.get());
  // A sync has no null behind it.
  while (kind != PGRES_PIPELINE_SYNC && PqResult(PQgetResult(conn)) != nullptr) {
  }
  return result;
}

// Ends pipeline mode. Where answers are missing it gives the connection up: who uses it next must not get them.
void LeavePipelineMode(pg_conn* conn);

}  // namespace tokenwatch::common

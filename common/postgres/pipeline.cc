#include "common/postgres/pipeline.h"

#include <libpq-fe.h>
#include <sys/socket.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/postgres/pq_result.h"

namespace tokenwatch::common {

void LeavePipelineMode(pg_conn* conn) {
  if (IsLost(conn) || PQexitPipelineMode(conn) == 1) return;
  ::shutdown(PQsocket(conn), SHUT_RDWR);
  PQconsumeInput(conn);
}

absl::StatusOr<Pipeline> Pipeline::Begin(Transaction& transaction, std::string what) {
  absl::Status limited = Guard(what, [&] { transaction.LimitStatements(); });
  if (!limited.ok()) return limited;
  Connection& connection = transaction.connection();
  if (connection.handle() == nullptr) {
    return absl::UnavailableError(absl::StrCat(what, ": the connection to the database was lost"));
  }
  if (PQenterPipelineMode(connection.handle()) != 1) {
    return absl::InternalError(absl::StrCat(what, ": the connection is busy: ", PQerrorMessage(connection.handle())));
  }
  return Pipeline(connection, std::move(what));
}

Pipeline::Pipeline(Pipeline&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)), what_(std::move(other.what_)), sent_(other.sent_) {}

Pipeline::~Pipeline() {
  if (connection_ != nullptr && connection_->handle() != nullptr) Finish().IgnoreError();
}

absl::Status Pipeline::Lost() const { return FromSqlState(what_, "", PQerrorMessage(connection_->handle())); }

absl::Status Pipeline::Send(const char* statement, absl::string_view parameter) {
  if (connection_ == nullptr) return absl::FailedPreconditionError(absl::StrCat(what_, ": the pipeline has ended"));
  pg_conn* const conn = connection_->handle();
  const char* const value = parameter.data();
  const int length = static_cast<int>(parameter.size());
  constexpr int kBinary = 1;
  if (PQsendQueryPrepared(conn, statement, 1, &value, &length, &kBinary, kBinary) != 1) {
    return IsLost(conn) ? Lost() : absl::InternalError(absl::StrCat(what_, ": ", PQerrorMessage(conn)));
  }
  ++sent_;
  // What libpq still holds back of it is what the server is waiting for.
  return PQflush(conn) == 0 ? absl::OkStatus() : Lost();
}

absl::StatusOr<std::vector<int64_t>> Pipeline::Finish() {
  if (connection_ == nullptr) return absl::FailedPreconditionError(absl::StrCat(what_, ": the pipeline has ended"));
  pg_conn* const conn = connection_->handle();
  absl::Status first = PQpipelineSync(conn) == 1 ? absl::OkStatus() : Lost();
  std::vector<int64_t> changed;
  // And the answer to the sync.
  for (size_t i = 0; i <= sent_; ++i) {
    const PqResult result = TakeResult(conn);
    if (result == nullptr) {
      if (first.ok()) first = Lost();
      break;
    }
    if (i == sent_ || !first.ok()) continue;
    // Executions after one that failed are passed over, which says nothing new.
    first = StatusOf(what_, result.get());
    int64_t rows = 0;
    changed.push_back(absl::SimpleAtoi(PQcmdTuples(result.get()), &rows) ? rows : 0);
  }
  LeavePipelineMode(conn);
  connection_ = nullptr;
  if (!first.ok()) return first;
  return changed;
}

}  // namespace tokenwatch::common

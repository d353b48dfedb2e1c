#include "common/postgres/batch.h"

#include <libpq-fe.h>

#include "absl/cleanup/cleanup.h"
#include "absl/functional/function_ref.h"
#include "common/postgres/connection.h"
#include "common/postgres/pq_result.h"

namespace tokenwatch::common {
namespace {

absl::Status Lost(absl::string_view what, pg_conn* conn) { return FromSqlState(what, "", PQerrorMessage(conn)); }

absl::Status InDoubt(absl::string_view what, absl::string_view why) {
  return FromSqlState(what, "40003", absl::StrCat("whether it was committed is not known: ", why));
}

bool Send(pg_conn* conn, const Batch::Entry& entry) {
  std::vector<const char*> values;
  values.reserve(entry.parameters.size());
  for (const auto& parameter : entry.parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
  return PQsendQueryPrepared(conn, entry.statement->name, static_cast<int>(values.size()), values.data(), nullptr,
                             nullptr, /*resultFormat=*/0) == 1;
}

bool Send(pg_conn* conn, const char* sql) {
  return PQsendQueryParams(conn, sql, 0, nullptr, nullptr, nullptr, nullptr, /*resultFormat=*/0) == 1;
}

// The outcome of COMMIT. The server may have committed and then be told to go before it said so.
absl::Status StatusOfCommit(absl::string_view what, const PGresult* result) {
  const absl::string_view state = ErrorField(result, PG_DIAG_SQLSTATE);
  const absl::Status status = StatusOf(what, result);
  if (!status.ok()) {
    const bool last_words = ErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED) != "ERROR";
    return state.empty() || last_words ? InDoubt(what, PQresultErrorMessage(result)) : status;
  }
  if (absl::string_view(PQcmdStatus(const_cast<PGresult*>(result))) != "COMMIT") {
    return absl::InternalError(absl::StrCat(what, ": the server rolled back without an error"));
  }
  return absl::OkStatus();
}

// One run of a batch through a connection that is idle, in a transaction or not.
class BatchRun {
 public:
  using Observe = absl::FunctionRef<void(const Statement&, absl::StatusCode)>;

  BatchRun(absl::string_view what, pg_conn* conn, const Batch& batch, bool own_transaction)
      : what_(what), conn_(conn), batch_(batch), own_transaction_(own_transaction) {}

  absl::Status operator()(Observe observe) {
    if (PQenterPipelineMode(conn_) != 1) {
      return absl::InternalError(absl::StrCat(what_, ": the connection is busy: ", PQerrorMessage(conn_)));
    }
    const absl::Cleanup leave = [this] { LeavePipelineMode(conn_); };
    const absl::Status sent = SendAll();
    const absl::Status taken = IsLost(conn_) ? WhenLost() : TakeAll(observe);
    return taken.ok() ? sent : taken;
  }

 private:
  absl::Status SendAll() {
    bool sent = !own_transaction_ || Send(conn_, "BEGIN");
    for (const Batch::Entry& entry : batch_.entries()) {
      if (!sent) break;
      sent = Send(conn_, entry);
      if (sent) ++sent_;
    }
    if (sent && own_transaction_) {
      commit_sent_ = true;
      sent = Send(conn_, "COMMIT");
    }
    const absl::Status status =
        sent ? absl::OkStatus() : absl::InternalError(absl::StrCat(what_, ": ", PQerrorMessage(conn_)));
    // Refused by libpq, not lost on its way: there will be no answer to it.
    if (!sent && !IsLost(conn_)) commit_sent_ = false;
    PQpipelineSync(conn_);
    return status;
  }

  absl::Status TakeAll(Observe observe) {
    absl::Status first = absl::OkStatus();
    if (own_transaction_) {
      const PqResult begun = TakeResult(conn_);
      if (begun == nullptr) return WhenLost();
      first = StatusOfStatement(begun.get());
    }
    for (size_t i = 0; i < sent_; ++i) {
      const PqResult result = TakeResult(conn_);
      if (result == nullptr) return first.ok() ? WhenLost() : first;
      // Passed over because of an error before.
      if (PQresultStatus(result.get()) == PGRES_PIPELINE_ABORTED) continue;
      absl::Status status = StatusOfStatement(result.get());
      observe(*batch_.entries()[i].statement, status.code());
      if (first.ok()) first = std::move(status);
    }
    if (commit_sent_) {
      const PqResult result = TakeResult(conn_);
      if (result == nullptr) return first.ok() ? WhenLost() : first;
      if (first.ok()) first = StatusOfCommit(what_, result.get());
    }
    TakeResult(conn_);  // the sync
    return first;
  }

  // libpq's own words, in place of the server's, mean that the connection was lost.
  absl::Status StatusOfStatement(const PGresult* result) const {
    absl::Status status = StatusOf(what_, result);
    return !status.ok() && ErrorField(result, PG_DIAG_SQLSTATE).empty() ? WhenLost() : status;
  }

  // Nothing was heard of what was sent: a COMMIT among it may have been obeyed.
  absl::Status WhenLost() const { return commit_sent_ ? InDoubt(what_, PQerrorMessage(conn_)) : Lost(what_, conn_); }

  const absl::string_view what_;
  pg_conn* const conn_;
  const Batch& batch_;
  const bool own_transaction_;
  // Statements of the batch that went out; BEGIN and COMMIT are not among them.
  size_t sent_ = 0;
  bool commit_sent_ = false;
};

}  // namespace

absl::Status Connection::RunBatch(absl::string_view what, const Batch& batch, bool own_transaction) {
  const auto start = std::chrono::steady_clock::now();
  return BatchRun(what, handle(), batch, own_transaction)([&](const Statement& statement, absl::StatusCode code) {
    observer_.OnStatement(statement.name, absl::FromChrono(std::chrono::steady_clock::now() - start), code);
  });
}

absl::Status Connection::TransactBatch(absl::string_view what, absl::Time deadline, const Batch& batch) {
  if (absl::Status status = CheckDeadline(what, deadline); !status.ok()) return status;
  const Watched watched(*this, deadline);
  absl::Status status = Guard(what, [&] {
    LimitStatements(LimitOf(batch), deadline, nullptr);
    return RunBatch(what, batch, /*own_transaction=*/true);
  });
  if (!status.ok() && !IsLost(handle()) && PQtransactionStatus(handle()) != PQTRANS_IDLE) {
    PqResult(PQexec(handle(), "ROLLBACK"));
  }
  return Settle(what, std::move(status));
}

absl::Status Transaction::ExecBatch(absl::string_view what, const Batch& batch) {
  if (batch.empty()) return absl::OkStatus();
  connection_.LimitStatements(Connection::LimitOf(batch), deadline_, &base_);
  if (connection_.handle() == nullptr) throw pqxx::broken_connection("the connection was lost");
  return connection_.RunBatch(what, batch, /*own_transaction=*/false);
}

absl::Duration Connection::LimitOf(const Batch& batch) {
  absl::Duration limit = absl::InfiniteDuration();
  for (const Batch::Entry& entry : batch.entries()) limit = std::min(limit, entry.statement->timeout);
  return limit;
}

}  // namespace tokenwatch::common

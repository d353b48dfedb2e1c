// One session with PostgreSQL: libpqxx behind time limits, named statements and statuses.
//
// Thread contract: one thread at a time. Nothing here reconnects: a connection that broke stays broken, because what
// the session held (advisory locks, the transaction) is gone. Open a new one.
//
// The session's statement_timeout follows the time the caller has left, rounded up to a step of 1-2-5 so that it seldom
// changes and costs no round trip for each transaction. It is session state, as prepared statements and
// advisory locks are: do not put a transaction-pooling proxy in between.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <pqxx/pqxx>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/postgres/errors.h"
#include "common/postgres/observer.h"
#include "common/postgres/statement.h"
#include "common/time/clock.h"

namespace tokenwatch::common {

struct ConnectionOptions {
  // libpq's key=value or URI form.
  std::string dsn;
  // Seen in pg_stat_activity and in the server's log, unless the dsn names another.
  std::string application_name;
  // For the connection and the preparation of the statements together.
  absl::Duration connect_timeout = absl::Seconds(5);
  // The most that any statement may take; deadlines and the statements' own limits only shorten it. Also for COPY.
  absl::Duration statement_timeout = absl::Seconds(30);
  // The server ends a late statement at the deadline. When it has not answered this long after, the socket is closed.
  absl::Duration silence_limit = absl::Seconds(2);
  // Prepared when the connection is made. Must outlive the connection; usually a constant array.
  absl::Span<const Statement> statements;

  // INVALID_ARGUMENT, naming the field, when a value is out of range or the dsn cannot be read.
  absl::Status Validate() const;
};

class Batch;
class Connection;

// A transaction in progress, given to the function that Connection::Transact runs. Its methods throw what pqxx throws;
// Transact maps it.
class Transaction {
 public:
  Transaction(Connection& connection, pqxx::transaction_base& base, absl::Time deadline)
      : connection_(connection), base_(base), deadline_(deadline) {}

  // Runs a statement of the connection's catalogue within its own limit and the deadline. Parameters as pqxx takes
  // them: numbers, std::string, std::optional, pqxx::binarystring for bytes; no string_view.
  template <typename... Args>
  pqxx::result Exec(const Statement& statement, Args&&... args);

  // Runs SQL text that is not worth preparing: DDL, COPY. Never text with a user's values in it, unless quoted.
  pqxx::result ExecSql(const std::string& sql);

  // Runs the statements of the batch in one round trip. `what` begins the message of an error, after which the
  // transaction can only be rolled back.
  absl::Status ExecBatch(absl::string_view what, const Batch& batch);

  // Gives the statements to come the time that is left; for those that go by libpq.
  void LimitStatements();

  pqxx::transaction_base& base() { return base_; }
  Connection& connection() { return connection_; }
  absl::Time deadline() const { return deadline_; }

 private:
  Connection& connection_;
  pqxx::transaction_base& base_;
  const absl::Time deadline_;
};

class Connection {
 public:
  // Connects and prepares all statements. UNAVAILABLE when the server cannot be reached, DEADLINE_EXCEEDED when neither
  // `deadline` nor the connect time-out is kept, PERMISSION_DENIED, RESOURCE_EXHAUSTED as the server says, INTERNAL,
  // with the statement's name, when a statement of the catalogue is wrong.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const ConnectionOptions& options, absl::Time deadline,
                                                          PostgresObserver& observer = PostgresObserver::None(),
                                                          Clock& clock = SystemClock::Instance());
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Runs f(Transaction&) in a transaction and commits when it returns anything but an error. f may return void, a
  // value, Status or StatusOr. An error or exception rolls back. UNKNOWN means that the commit may or may not have
  // happened. DEADLINE_EXCEEDED at once when the deadline has passed. `what` begins the message of an error.
  template <typename F>
  auto Transact(absl::string_view what, absl::Time deadline, F&& f) -> Guarded<std::invoke_result_t<F, Transaction&>>;

  // Runs the statements of the batch in a transaction of their own, all or none, BEGIN and COMMIT in the same round
  // trip. Errors as of Transact; UNKNOWN also when the connection is lost before the answers are there, whatever the
  // server was doing. The time that the observer is told of a statement is from the sending of all to its answer.
  absl::Status TransactBatch(absl::string_view what, absl::Time deadline, const Batch& batch);

  // Runs one statement of the catalogue by itself, in no explicit transaction: one round trip.
  template <typename... Args>
  absl::StatusOr<pqxx::result> Query(absl::string_view what, const Statement& statement, absl::Time deadline,
                                     Args&&... args);

  // As Query, for SQL text; see Transaction::ExecSql.
  absl::StatusOr<pqxx::result> QuerySql(absl::string_view what, const std::string& sql, absl::Time deadline);

  // Asks the server for nothing and waits for its answer.
  absl::Status Ping(absl::Time deadline);

  // Takes a session advisory lock without waiting for it: false when another session holds it. The lock lives as long
  // as the session: when broken() turns true it is lost. Taking it twice needs releasing it twice.
  absl::StatusOr<bool> TryAdvisoryLock(int64_t key, absl::Time deadline);
  // False when this session did not hold the lock.
  absl::StatusOr<bool> ReleaseAdvisoryLock(int64_t key, absl::Time deadline);

  // True once any operation found the connection lost. It stays false for a connection that died while idle:
  // see LooksAlive.
  bool broken() const;
  // A look at the socket without a round trip: false when the server has closed the connection, or said something while
  // nothing was asked, which it does when it goes down. True proves nothing: the network may have lost the server.
  bool LooksAlive() const;

  // The process id of the server's backend, as in pg_stat_activity.
  int backend_pid() const;
  // libpq's handle, null when broken; for COPY. Valid until the connection breaks or ends.
  pg_conn* handle() const;
  Clock& clock() { return clock_; }

 private:
  friend class Transaction;
  class Policy;
  struct Impl;

  // Arms the socket watch for one operation.
  class Watched {
   public:
    Watched(Connection& connection, absl::Time deadline);
    ~Watched();

   private:
    Connection& connection_;
  };

  Connection(const ConnectionOptions& options, PostgresObserver& observer, Clock& clock);

  absl::Status CheckDeadline(absl::string_view what, absl::Time deadline);
  // Sets statement_timeout to what `limit` and the deadline leave, if it is something else now. `in` null means for the
  // session, else for that transaction. Throws.
  void LimitStatements(absl::Duration limit, absl::Time deadline, pqxx::transaction_base* in);
  // Notices that the connection broke, and says so in the status.
  absl::Status Settle(absl::string_view what, absl::Status status);
  // Throws, instead of committing, when a statement of the transaction failed and nobody minded: the server answers
  // such a commit by rolling back, without an error.
  void Commit(pqxx::transaction_base& work);
  pqxx::connection_base& base();

  // The batch through the idle connection; what it throws or returns is not settled yet.
  absl::Status RunBatch(absl::string_view what, const Batch& batch, bool own_transaction);
  // The least of its statements' limits.
  static absl::Duration LimitOf(const Batch& batch);

  // Exec with timing reported to the observer.
  template <typename... Args>
  pqxx::result Run(pqxx::transaction_base& in, const Statement& statement, Args&&... args);

  const ConnectionOptions options_;
  PostgresObserver& observer_;
  Clock& clock_;
  // Before impl_, which looks at it while it ends.
  uint64_t watch_key_ = 0;
  std::unique_ptr<Impl> impl_;
  // What statement_timeout was set to for the session, and inside the current transaction; 0 while it was not.
  int64_t session_timeout_ms_ = 0;
  int64_t local_timeout_ms_ = 0;
  int watch_depth_ = 0;
};

template <typename... Args>
pqxx::result Connection::Run(pqxx::transaction_base& in, const Statement& statement, Args&&... args) {
  const auto start = std::chrono::steady_clock::now();
  const auto report = [&](absl::StatusCode code) {
    observer_.OnStatement(statement.name, absl::FromChrono(std::chrono::steady_clock::now() - start), code);
  };
  try {
    pqxx::result result = in.exec_prepared(statement.name, std::forward<Args>(args)...);
    report(absl::StatusCode::kOk);
    return result;
  } catch (...) {
    report(CodeOfException());
    throw;
  }
}

template <typename... Args>
pqxx::result Transaction::Exec(const Statement& statement, Args&&... args) {
  connection_.LimitStatements(statement.timeout, deadline_, &base_);
  return connection_.Run(base_, statement, std::forward<Args>(args)...);
}

template <typename F>
auto Connection::Transact(absl::string_view what, absl::Time deadline, F&& f)
    -> Guarded<std::invoke_result_t<F, Transaction&>> {
  using Returned = std::invoke_result_t<F, Transaction&>;
  using Result = Guarded<Returned>;
  if (absl::Status status = CheckDeadline(what, deadline); !status.ok()) return status;
  const Watched watched(*this, deadline);
  Result result = Guard(what, [&]() -> Result {
    LimitStatements(options_.statement_timeout, deadline, nullptr);
    pqxx::work work(base());
    Transaction transaction(*this, work, deadline);
    if constexpr (std::is_void_v<Returned>) {
      f(transaction);
      Commit(work);
      return absl::OkStatus();
    } else {
      Result returned = f(transaction);
      if (returned.ok()) Commit(work);
      return returned;
    }
  });
  if constexpr (std::is_same_v<Result, absl::Status>) {
    return Settle(what, std::move(result));
  } else {
    if (!result.ok()) return Settle(what, result.status());
    return result;
  }
}

template <typename... Args>
absl::StatusOr<pqxx::result> Connection::Query(absl::string_view what, const Statement& statement, absl::Time deadline,
                                               Args&&... args) {
  if (absl::Status status = CheckDeadline(what, deadline); !status.ok()) return status;
  const Watched watched(*this, std::min(deadline, clock_.Now() + statement.timeout));
  absl::StatusOr<pqxx::result> result = Guard(what, [&] {
    LimitStatements(statement.timeout, deadline, nullptr);
    pqxx::nontransaction alone(base());
    return Run(alone, statement, std::forward<Args>(args)...);
  });
  if (!result.ok()) return Settle(what, result.status());
  return result;
}

}  // namespace tokenwatch::common

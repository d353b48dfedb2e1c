#include "common/postgres/connection.h"

#include <algorithm>

#include <libpq-fe.h>
#include <poll.h>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/postgres/dsn.h"
#include "common/postgres/lsan_suppressions.h"
#include "common/postgres/socket_watch.h"

namespace tokenwatch::common {
namespace {

constexpr absl::Duration kSmallestTimeout = absl::Milliseconds(1);
constexpr absl::Duration kLargestTimeout = absl::Hours(24);

// What a connection attempt takes and gives besides the connection string. libpqxx constructs its policy from the
// string alone and connects in the constructor, on the calling thread.
struct Attempt {
  absl::Time deadline;
  // Where the connection keeps the key of its armed socket watch.
  const uint64_t* watch_key;
  PGconn* handle = nullptr;
};
thread_local Attempt* current_attempt = nullptr;

// 1, 2, 5, 10, 20, 50 ... the first that is no less.
int64_t RoundUpMs(absl::Duration limit) {
  const int64_t wanted = absl::ToInt64Milliseconds(absl::Ceil(limit, absl::Milliseconds(1)));
  for (int64_t decade = 1;; decade *= 10) {
    for (const int64_t step : {1, 2, 5}) {
      if (step * decade >= wanted) return step * decade;
    }
  }
}

// Connects within real time; libpq's own connect_timeout counts whole seconds, of which two is the least.
PGconn* ConnectWithin(const std::string& dsn, absl::Time deadline) {
  PGconn* conn = PQconnectStart(dsn.c_str());
  if (conn == nullptr) throw std::bad_alloc();
  absl::Cleanup finish = [conn] { PQfinish(conn); };
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (PQstatus(conn) != CONNECTION_BAD && state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
    pollfd waiting{PQsocket(conn), static_cast<short>(state == PGRES_POLLING_READING ? POLLIN : POLLOUT), 0};
    const absl::Duration left = std::min(deadline - absl::Now(), absl::Minutes(1));
    if (left <= absl::ZeroDuration())
      throw pqxx::broken_connection("the server did not answer before the deadline passed");
    poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1)))));
    if (waiting.revents != 0) state = PQconnectPoll(conn);
  }
  if (PQstatus(conn) != CONNECTION_OK) throw pqxx::broken_connection(PQerrorMessage(conn));
  std::move(finish).Cancel();
  return conn;
}

std::string CompleteDsn(const ConnectionOptions& options) {
  auto settings = ParseDsn(options.dsn);
  if (!settings.ok()) return options.dsn;
  settings->emplace("application_name", options.application_name);
  // A peer that vanished without a word is noticed even when no operation waits for it.
  settings->emplace("keepalives_idle", "30");
  settings->emplace("keepalives_interval", "10");
  settings->emplace("keepalives_count", "3");
  std::string& server_options = (*settings)["options"];
  server_options =
      absl::StrCat("-c statement_timeout=", absl::ToInt64Milliseconds(options.statement_timeout), " ", server_options);
  return FormatDsn(*settings);
}

}  // namespace

absl::Status ConnectionOptions::Validate() const {
  if (auto settings = ParseDsn(dsn); !settings.ok()) return settings.status();
  const auto check = [](absl::string_view name, absl::Duration value) {
    if (value >= kSmallestTimeout && value <= kLargestTimeout) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(name, " is ", absl::FormatDuration(value), ": use a value from ",
                                                   absl::FormatDuration(kSmallestTimeout), " to ",
                                                   absl::FormatDuration(kLargestTimeout)));
  };
  if (absl::Status status = check("connect_timeout", connect_timeout); !status.ok()) return status;
  if (absl::Status status = check("statement_timeout", statement_timeout); !status.ok()) return status;
  if (absl::Status status = check("silence_limit", silence_limit); !status.ok()) return status;
  for (const Statement& statement : statements) {
    if (absl::Status status = check(absl::StrCat("the time-out of statement ", statement.name), statement.timeout);
        !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

// Connects once, within the deadline, and refuses to connect again: libpqxx 6 would replace a lost session silently,
// and the advisory lock it held would be gone unnoticed.
class Connection::Policy : public pqxx::connectionpolicy {
 public:
  explicit Policy(const std::string& dsn) : pqxx::connectionpolicy(dsn) {}

  handle do_startconnect(handle existing) override {
    if (existing != nullptr) return existing;
    if (current_attempt == nullptr) throw pqxx::broken_connection("the connection was lost");
    watch_key_ = current_attempt->watch_key;
    current_attempt->handle = ConnectWithin(options(), current_attempt->deadline);
    return current_attempt->handle;
  }

  // libpqxx may close a broken connection in the middle of an operation; from then on the socket's number may be
  // somebody else's.
  handle do_disconnect(handle existing) noexcept override {
    if (watch_key_ != nullptr) SocketWatch::Instance().Disarm(*watch_key_);
    return pqxx::connectionpolicy::do_disconnect(existing);
  }

 private:
  const uint64_t* watch_key_ = nullptr;
};

struct Connection::Impl {
  explicit Impl(const std::string& dsn) : base(dsn) {}

  // libpqxx gives nobody its handle, so a look at its socket tells whether it has given the connection up.
  PGconn* handle = nullptr;
  pqxx::basic_connection_base<Policy> base;
  bool broken = false;
};

Connection::Connection(const ConnectionOptions& options, PostgresObserver& observer, Clock& clock)
    : options_(options), observer_(observer), clock_(clock) {}

Connection::~Connection() = default;

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const ConnectionOptions& options, absl::Time deadline,
                                                             PostgresObserver& observer, Clock& clock) {
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  const absl::Duration left = std::min(deadline - clock.Now(), options.connect_timeout);
  if (left <= absl::ZeroDuration()) return absl::DeadlineExceededError("connect: the deadline has passed");
  std::unique_ptr<Connection> connection(new Connection(options, observer, clock));
  const absl::Time start = absl::Now();
  absl::Status status = Guard("connect", [&] {
    Attempt attempt{start + left, &connection->watch_key_};
    current_attempt = &attempt;
    const absl::Cleanup done = [] { current_attempt = nullptr; };
    connection->impl_ = std::make_unique<Impl>(CompleteDsn(options));
    connection->impl_->handle = attempt.handle;
  });
  if (status.ok()) {
    const Watched watched(*connection, clock.Now() + left);
    for (const Statement& statement : options.statements) {
      const std::string what = absl::StrCat("prepare statement ", statement.name);
      status = connection->Settle(what, Guard(what, [&] {
                                    connection->base().prepare(statement.name, statement.sql);
                                    connection->base().prepare_now(statement.name);
                                  }));
      if (!status.ok()) break;
    }
  }
  observer.OnConnect(absl::Now() - start, status.code());
  if (!status.ok()) return status;
  return connection;
}

pqxx::connection_base& Connection::base() { return impl_->base; }

Connection::Watched::Watched(Connection& connection, absl::Time deadline) : connection_(connection) {
  if (connection_.watch_depth_++ > 0 || connection_.broken()) return;
  const absl::Duration left = deadline - connection_.clock_.Now();
  if (left > kLargestTimeout) return;
  connection_.watch_key_ =
      SocketWatch::Instance().Arm(connection_.base().sock(), left + connection_.options_.silence_limit);
}

Connection::Watched::~Watched() {
  if (--connection_.watch_depth_ > 0) return;
  SocketWatch::Instance().Disarm(connection_.watch_key_);
  connection_.watch_key_ = 0;
}

absl::Status Connection::CheckDeadline(absl::string_view what, absl::Time deadline) {
  if (broken()) return absl::UnavailableError(absl::StrCat(what, ": the connection to the database was lost"));
  if (deadline <= clock_.Now()) {
    return absl::DeadlineExceededError(absl::StrCat(what, ": the deadline passed before it began"));
  }
  return absl::OkStatus();
}

void Connection::LimitStatements(absl::Duration limit, absl::Time deadline, pqxx::transaction_base* in) {
  const absl::Duration left = std::max(deadline - clock_.Now(), kSmallestTimeout);
  const absl::Duration most = std::min(limit, options_.statement_timeout);
  const int64_t most_ms = absl::ToInt64Milliseconds(absl::Ceil(most, absl::Milliseconds(1)));
  // An exact remainder would be another one each time.
  const int64_t wanted_ms = left >= most ? most_ms : std::min(most_ms, RoundUpMs(left));
  if (in == nullptr) {
    if (wanted_ms != session_timeout_ms_) {
      pqxx::nontransaction(base()).exec(absl::StrCat("SET statement_timeout = ", wanted_ms));
      session_timeout_ms_ = wanted_ms;
    }
    local_timeout_ms_ = wanted_ms;
  } else if (wanted_ms != local_timeout_ms_) {
    in->exec(absl::StrCat("SET LOCAL statement_timeout = ", wanted_ms));
    local_timeout_ms_ = wanted_ms;
  }
}

absl::Status Connection::Settle(absl::string_view what, absl::Status status) {
  if (status.ok() || impl_->broken) return status;
  // libpqxx's sock() is -1 once it gave the handle up; only while it has not may the handle be asked.
  const bool lost = handle() == nullptr || PQstatus(handle()) != CONNECTION_OK;
  if (!lost) return status;
  impl_->broken = true;
  impl_->handle = nullptr;
  observer_.OnBroken();
  if (absl::IsUnknown(status) || absl::IsUnavailable(status)) return status;
  return absl::UnavailableError(
      absl::StrCat(what, ": the connection to the database was lost (", status.message(), ")"));
}

void Connection::Commit(pqxx::transaction_base& work) {
  if (handle() != nullptr && PQtransactionStatus(handle()) == PQTRANS_INERROR) {
    throw pqxx::usage_error("the transaction was to be committed although a statement in it had failed");
  }
  work.commit();
}

absl::StatusOr<pqxx::result> Connection::QuerySql(absl::string_view what, const std::string& sql, absl::Time deadline) {
  if (absl::Status status = CheckDeadline(what, deadline); !status.ok()) return status;
  const Watched watched(*this, std::min(deadline, clock_.Now() + options_.statement_timeout));
  absl::StatusOr<pqxx::result> result = Guard(what, [&] {
    LimitStatements(options_.statement_timeout, deadline, nullptr);
    return pqxx::nontransaction(base()).exec(sql);
  });
  if (!result.ok()) return Settle(what, result.status());
  return result;
}

absl::Status Connection::Ping(absl::Time deadline) { return QuerySql("ping", "SELECT", deadline).status(); }

absl::StatusOr<bool> Connection::TryAdvisoryLock(int64_t key, absl::Time deadline) {
  auto result = QuerySql("take the advisory lock", absl::StrCat("SELECT pg_try_advisory_lock(", key, ")"), deadline);
  if (!result.ok()) return result.status();
  return result->at(0).at(0).as<bool>();
}

absl::StatusOr<bool> Connection::ReleaseAdvisoryLock(int64_t key, absl::Time deadline) {
  auto result = QuerySql("release the advisory lock", absl::StrCat("SELECT pg_advisory_unlock(", key, ")"), deadline);
  if (!result.ok()) return result.status();
  return result->at(0).at(0).as<bool>();
}

bool Connection::broken() const { return impl_->broken; }

bool Connection::LooksAlive() const {
  if (impl_->broken) return false;
  pollfd look{impl_->base.sock(), POLLIN, 0};
  return poll(&look, 1, 0) == 0;
}

int Connection::backend_pid() const { return impl_->base.backendpid(); }

pg_conn* Connection::handle() const { return impl_->base.sock() < 0 ? nullptr : impl_->handle; }

void Transaction::LimitStatements() { connection_.LimitStatements(absl::InfiniteDuration(), deadline_, &base_); }

pqxx::result Transaction::ExecSql(const std::string& sql) {
  LimitStatements();
  return base_.exec(sql);
}

}  // namespace tokenwatch::common

#include "common/testing/pg_cluster.h"

#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/testing/wait_for.h"

namespace tokenwatch::common {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kProgramLimit = absl::Seconds(60);

// The user the server runs as, empty for the test's own.
std::string ServerUser() { return geteuid() == 0 ? "postgres" : ""; }

absl::Status RunServerProgram(std::vector<std::string> command, const fs::path& log) {
  ChildProcess::Options options;
  options.command = std::move(command);
  options.stdout_file = options.stderr_file = log;
  options.directory = "/";
  options.user = ServerUser();
  const auto code = RunProcess(options, kProgramLimit);
  if (!code.ok()) return code.status();
  if (*code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(options.command[0], " ended with ", *code, ": ", ReadFile(log)));
}

absl::Status GiveToServerUser(const fs::path& path) {
  if (ServerUser().empty()) return absl::OkStatus();
  const passwd* const user = getpwnam("postgres");
  if (user == nullptr) return absl::NotFoundError("there is no user postgres: install the package postgresql");
  if (chown(path.c_str(), user->pw_uid, user->pw_gid) == 0) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("cannot give ", path.string(), " to the user postgres"));
}

// The template's directory, made by the first who needs it; others wait for the lock.
absl::StatusOr<fs::path> Template() {
  const fs::path base = fs::temp_directory_path();
  const std::string version = PgCluster::BinDir().parent_path().filename();
  const fs::path ready = base / absl::StrCat("twtest-initdb-", version, "-", geteuid());
  const int lock = open(absl::StrCat(ready.string(), ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return absl::PermissionDeniedError(absl::StrCat("cannot write ", ready.string(), ".lock"));
  const absl::Cleanup unlock = [lock] { close(lock); };
  flock(lock, LOCK_EX);
  if (fs::exists(ready)) return ready;
  const TempDir work;
  const fs::path data = work.path() / "data";
  fs::create_directory(data);
  for (const fs::path& path : {work.path(), data}) {
    if (absl::Status status = GiveToServerUser(path); !status.ok()) return status;
  }
  absl::Status status = RunServerProgram({PgCluster::BinDir() / "initdb", "-D", data, "-U", "postgres", "-A", "trust",
                                          "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"},
                                         work.path() / "log");
  if (!status.ok()) return status;
  fs::rename(data, ready);
  return ready;
}

// Not for zombies, whom their new parent may take its time to bury.
bool IsAlive(pid_t pid) {
  const std::string stat = ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  const size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && !absl::StartsWith(stat.substr(name_end + 1), " Z");
}

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

}  // namespace

fs::path PgCluster::BinDir() {
  for (const int version : {17, 16, 15, 14}) {
    const fs::path dir = absl::StrCat("/usr/lib/postgresql/", version, "/bin");
    if (fs::exists(dir / "postgres")) return dir;
  }
  return "/usr/bin";
}

absl::StatusOr<std::unique_ptr<PgCluster>> PgCluster::Start(const Options& options) {
  if (!fs::exists(BinDir() / "postgres")) {
    return absl::NotFoundError("the PostgreSQL server is not installed: install the package postgresql");
  }
  std::unique_ptr<PgCluster> cluster(new PgCluster(options));
  if (cluster->port() == 0) return absl::ResourceExhaustedError("there is no free port on 127.0.0.1");
  if (absl::Status status = cluster->MakeData(); !status.ok()) return status;
  if (absl::Status status = cluster->StartServer(); !status.ok()) return status;
  return cluster;
}

absl::Status PgCluster::MakeData() {
  auto from = Template();
  if (!from.ok()) return from.status();
  if (absl::Status status = GiveToServerUser(dir_.path()); !status.ok()) return status;
  absl::Status status = RunServerProgram({"cp", "-a", *from, dir_.path() / "data"}, "/dev/null");
  if (!status.ok()) return status;
  std::ofstream conf(dir_.path() / "data" / "postgresql.conf", std::ios::app);
  conf << "listen_addresses = '127.0.0.1'\n"
       << "unix_socket_directories = '" << dir_.path().string() << "'\n"
       << "fsync = " << (options_.fsync ? "on" : "off") << "\n"
       << "max_connections = 50\n"
       << "timezone = 'UTC'\n"
       << "log_line_prefix = '%m [%p] %q%u@%d '\n"
       << absl::StrJoin(options_.settings, "\n") << "\n";
  conf.close();
  return conf ? absl::OkStatus() : absl::InternalError("cannot write postgresql.conf");
}

absl::Status PgCluster::StartServer() {
  ChildProcess::Options options;
  options.command = {BinDir() / "postgres", "-D", dir_.path() / "data", "-p", absl::StrCat(port())};
  options.stdout_file = options.stderr_file = dir_.path() / "log";
  options.directory = "/";
  options.user = ServerUser();
  auto server = ChildProcess::Start(options);
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  const std::string dsn = Dsn("postgres");
  const bool answered = WaitFor([&] { return PQping(dsn.c_str()) == PQPING_OK || !server_->running(); }, kProgramLimit);
  if (answered && server_->running()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the PostgreSQL server did not start: ", Log()));
}

PgCluster::~PgCluster() {
  // Immediate: nobody will read these data again.
  if (server_ != nullptr && server_->Signal(SIGQUIT)) server_->Wait(absl::Seconds(10));
}

absl::Status PgCluster::Stop() {
  if (server_ == nullptr || !server_->Signal(SIGINT)) return absl::FailedPreconditionError("the server is not running");
  if (!server_->Wait(kProgramLimit).has_value()) return absl::DeadlineExceededError("the server did not stop");
  server_.reset();
  return absl::OkStatus();
}

void PgCluster::KillHard() {
  if (server_ == nullptr) return;
  // Stopped first, so that the list of its children is complete and stays so.
  server_->Signal(SIGSTOP);
  const std::string children = ReadFile(absl::StrCat("/proc/", server_->pid(), "/task/", server_->pid(), "/children"));
  std::vector<pid_t> pids;
  for (absl::string_view word : absl::StrSplit(children, ' ', absl::SkipWhitespace())) {
    pid_t pid = 0;
    if (absl::SimpleAtoi(word, &pid) && kill(pid, SIGKILL) == 0) pids.push_back(pid);
  }
  server_->Kill();
  server_.reset();
  // A server that is started before they are gone finds their shared memory in use and refuses.
  for (const pid_t pid : pids) WaitFor([pid] { return !IsAlive(pid); }, kProgramLimit);
}

absl::Status PgCluster::StartAgain() {
  if (server_ != nullptr && server_->running()) return absl::FailedPreconditionError("the server is running");
  return StartServer();
}

absl::Status PgCluster::CreateDatabase(absl::string_view name) {
  return Query("postgres", absl::StrCat("CREATE DATABASE \"", name, "\"")).status();
}

absl::Status PgCluster::CreateRole(absl::string_view role, absl::string_view database) {
  const auto known = Query("postgres", absl::StrCat("SELECT 1 FROM pg_roles WHERE rolname = '", role, "'"));
  if (!known.ok()) return known.status();
  std::string sql;
  if (known->empty()) absl::StrAppend(&sql, "CREATE ROLE \"", role, "\" LOGIN; ");
  absl::StrAppend(&sql, "CREATE SCHEMA \"", role, "\" AUTHORIZATION \"", role, "\"; ALTER ROLE \"", role,
                  "\" IN DATABASE \"", database, "\" SET search_path = \"", role, "\"");
  return Query(database, sql).status();
}

absl::StatusOr<std::vector<std::vector<std::string>>> PgCluster::Query(absl::string_view database,
                                                                       absl::string_view sql) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> conn(PQconnectdb(SocketDsn(database).c_str()), &PQfinish);
  PQsetNoticeProcessor(
      conn.get(), [](void*, const char*) {}, nullptr);
  const Result result(PQexec(conn.get(), std::string(sql).c_str()), &PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    return absl::InvalidArgumentError(absl::StrCat(PQerrorMessage(conn.get()), "in: ", sql));
  }
  std::vector<std::vector<std::string>> rows(PQntuples(result.get()));
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    for (int field = 0; field < PQnfields(result.get()); ++field) {
      const bool null = PQgetisnull(result.get(), row, field) != 0;
      rows[row].push_back(null ? "\\N" : PQgetvalue(result.get(), row, field));
    }
  }
  return rows;
}

absl::StatusOr<std::string> PgCluster::QueryValue(absl::string_view database, absl::string_view sql) {
  auto rows = Query(database, sql);
  if (!rows.ok()) return rows.status();
  if (rows->size() != 1 || rows->front().size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat("not one row of one field, but ", rows->size(), " rows: ", sql));
  }
  return rows->front().front();
}

std::string PgCluster::Dsn(absl::string_view database, absl::string_view role) const {
  return DsnThrough(port(), database, role);
}

std::string PgCluster::DsnThrough(int port, absl::string_view database, absl::string_view role) const {
  return absl::StrCat("host=127.0.0.1 port=", port, " dbname=", database, " user=", role);
}

std::string PgCluster::SocketDsn(absl::string_view database, absl::string_view role) const {
  return absl::StrCat("host=", dir_.path().string(), " port=", port(), " dbname=", database, " user=", role);
}

}  // namespace tokenwatch::common

// A throw-away PostgreSQL cluster for tests: real server, own directory, own port.
//
// initdb takes about a second, so its result is kept as a template under the temporary directory, one for each version
// of the server and user, and copied. Run by root, the server runs as the user `postgres`, because it refuses root.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/testing/child_process.h"
#include "common/testing/held_port.h"
#include "common/testing/temp_dir.h"

namespace tokenwatch::common {

// The errors name what to install when the server's programs are missing. Not thread-safe; queries aside.
class PgCluster {
 public:
  struct Options {
    // Off makes tests faster; whatever measures durability or speed keeps it on.
    bool fsync = true;
    // More lines for postgresql.conf.
    std::vector<std::string> settings = {};
  };

  // Starts a cluster with one superuser `postgres` and trust authentication on loopback and its socket directory. The
  // calling thread must live as long as the cluster: see ChildProcess::Start.
  static absl::StatusOr<std::unique_ptr<PgCluster>> Start(const Options& options);
  static absl::StatusOr<std::unique_ptr<PgCluster>> Start() { return Start(Options{}); }
  // Ends the server and removes its directory.
  ~PgCluster();

  // A fast shutdown: sessions are ended, data are written.
  absl::Status Stop();
  // SIGKILL to the server and the sessions' processes: what a power failure leaves behind, less the page cache.
  void KillHard();
  // Starts it again, on the same port, after Stop or KillHard.
  absl::Status StartAgain();

  absl::Status CreateDatabase(absl::string_view name);
  // A role that may log in, without a password, and in `database` owns a schema of its own name, which is its search
  // path. Call again for a further database.
  absl::Status CreateRole(absl::string_view role, absl::string_view database);

  // Runs SQL as superuser; rows of the last statement as text, null as "\N". INVALID_ARGUMENT with psql's message when
  // it fails. May be called from several threads.
  absl::StatusOr<std::vector<std::vector<std::string>>> Query(absl::string_view database, absl::string_view sql);
  // Query for one value. Fails when there is not exactly one row of one field.
  absl::StatusOr<std::string> QueryValue(absl::string_view database, absl::string_view sql);

  // Over loopback TCP.
  std::string Dsn(absl::string_view database, absl::string_view role = "postgres") const;
  // Over TCP through another port, as of a gate.
  std::string DsnThrough(int port, absl::string_view database, absl::string_view role = "postgres") const;
  // Over the Unix socket.
  std::string SocketDsn(absl::string_view database, absl::string_view role = "postgres") const;
  int port() const { return port_.port(); }
  pid_t pid() const { return server_ == nullptr ? -1 : server_->pid(); }
  // The server's log so far.
  std::string Log() const { return ReadFile(dir_.path() / "log"); }
  // The folder of psql, postgres and the others.
  static std::filesystem::path BinDir();

 private:
  explicit PgCluster(const Options& options) : options_(options) {}

  absl::Status MakeData();
  absl::Status StartServer();

  const Options options_;
  TempDir dir_;
  const HeldPort port_;
  std::unique_ptr<ChildProcess> server_;
};

}  // namespace tokenwatch::common

// The platform as a test sees it: a throw-away PostgreSQL cluster with the databases and roles of a deployment, and the
// real binaries started against it.
//
// Everything is started from the calling thread and must be: the kernel ends a child together with the thread that
// started it. Not thread-safe, queries aside.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/testing/child_process.h"
#include "common/testing/pg_cluster.h"
#include "common/testing/temp_dir.h"

namespace tokenwatch::functional {

// $TOKENWATCH_BINARY_DIR/bin/name.
std::string ProgramPath(absl::string_view name);
// A file of the repository, by its path below the root.
std::string SourcePath(absl::string_view path);

// A service that runs, or ran.
class Service {
 public:
  Service(std::unique_ptr<common::ChildProcess> process, std::filesystem::path port_file);

  // Reads the port file; true once both ports are bound.
  bool FindPorts();
  // Whether /readyz answers 200.
  bool IsReady() const;
  // Head and body of the answer of the HTTP port; empty when nobody answers.
  std::string Http(absl::string_view path) const;

  int grpc_port() const { return grpc_port_; }
  int http_port() const { return http_port_; }
  std::string address() const;
  common::ChildProcess& process() { return *process_; }
  // What it has logged.
  std::string Log() const { return process_->Stderr(); }

  // SIGKILL, and waits for the end.
  void Kill() { process_->Kill(); }
  // SIGTERM; the exit code, nothing when it still runs after `limit`.
  std::optional<int> Terminate(absl::Duration limit = absl::Seconds(20));

 private:
  std::unique_ptr<common::ChildProcess> process_;
  std::filesystem::path port_file_;
  int grpc_port_ = 0;
  int http_port_ = 0;
};

// How a program that was expected to end has ended.
struct Ending {
  std::optional<int> code;
  std::string errors;
};

class Platform {
 public:
  // The cluster with the databases `platform` and `users`, and a role for each service of `platform`. Fails the test,
  // and ok() is false, when it cannot be started. Nothing here survives a power failure: fsync is off, which kill -9
  // cannot tell.
  explicit Platform(std::vector<std::string> postgres_settings = {});

  bool ok() const { return cluster_ != nullptr; }
  common::PgCluster& cluster() { return *cluster_; }
  // One more database with the same roles and empty schemas.
  void AddDatabase(absl::string_view name);
  // For scratch files; removed with this object.
  const std::filesystem::path& dir() const { return dir_.path(); }

  // Starts a service with `flags` and waits until it is ready; nullptr, and the test fails, when it does not become so.
  std::unique_ptr<Service> StartDetector(std::vector<std::string> flags = {}, absl::string_view database = "platform");
  std::unique_ptr<Service> StartDetectorAt(const std::string& dsn, std::vector<std::string> flags);
  // Starts it and waits for nothing.
  std::unique_ptr<Service> Launch(absl::string_view program, std::vector<std::string> flags);
  // Waits until a launched service is ready; false, and the test fails, with its log when it does not become so.
  bool AwaitReady(Service& service, absl::Duration limit = absl::Seconds(20));

  // Runs the detector until it ends by itself.
  Ending RunDetector(std::vector<std::string> flags, absl::Duration limit = absl::Seconds(60));
  // Replays a recording to its end in `database`; the exit code must be 0.
  void Replay(const std::string& recording, absl::string_view database = "platform",
              std::vector<std::string> flags = {});

  // One value of `database`, as superuser; "?" and a failed test when the query fails.
  std::string Value(absl::string_view sql, absl::string_view database = "platform");
  int64_t Count(absl::string_view sql, absl::string_view database = "platform");
  // Waits until so many lines of any recording are in the log.
  bool AwaitFrames(uint64_t frames, absl::string_view database = "platform", absl::Duration limit = absl::Seconds(60));

 private:
  common::TempDir dir_;
  std::unique_ptr<common::PgCluster> cluster_;
  int launches_ = 0;
};

// The flags of a replay: --feeds=recording --recording=path.
std::vector<std::string> ReplayFlags(const std::string& recording, std::vector<std::string> more = {});

}  // namespace tokenwatch::functional

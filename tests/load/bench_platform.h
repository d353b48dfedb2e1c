// What the benchmarks of whole processes run on: a PostgreSQL, a detector, recordings. A failure ends the program.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/testing/child_process.h"
#include "common/testing/pg_cluster.h"
#include "common/testing/temp_dir.h"
#include "grpcpp/grpcpp.h"
#include "tokenwatch/detector/v1/detector.grpc.pb.h"

namespace tokenwatch::load {

[[noreturn]] void Fail(const std::string& why);

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) Fail(std::string(value.status().message()));
  return *std::move(value);
}

// The number in an environment variable.
uint64_t Setting(const char* name, uint64_t by_default);

// A field of /proc/<pid>/status.
double MemoryMiB(pid_t pid, absl::string_view field);

// One detector on one database.
class Detector {
 public:
  // Starts it and waits until it serves.
  Detector(common::PgCluster& cluster, const common::TempDir& dir, std::vector<std::string> flags);

  // Has it drain and end.
  void Stop();

  detector::v1::DetectorService::Stub& stub() { return *stub_; }
  std::unique_ptr<detector::v1::DetectorService::Stub> NewStub() {
    return detector::v1::DetectorService::NewStub(channel_);
  }
  pid_t pid() const { return process_->pid(); }
  detector::v1::GetStatusResponse Status();

 private:
  std::unique_ptr<common::ChildProcess> process_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<detector::v1::DetectorService::Stub> stub_;
};

// A server with the database "platform".
class Platform {
 public:
  Platform();
  common::PgCluster& cluster() { return *cluster_; }
  // Runs SQL, or one of psql's own commands, with its output in the file `redirect`; gives the seconds it took.
  double Psql(const std::string& sql, const std::string& redirect = "/dev/null");

 private:
  std::unique_ptr<common::PgCluster> cluster_;
};

// Makes the recording `dir`/`name` and gives its path. `part` tells recordings of one run apart: another seed, and
// later times.
std::string MakeRecording(const std::filesystem::path& dir, const std::string& name, uint64_t trades, uint64_t launches,
                          uint64_t part = 0);

// Recordings are large (some 2 KiB a trade): a disk that still writes them down would be measured too, so they are kept
// in memory where there is enough of it.
class RecordingPlace {
 public:
  explicit RecordingPlace(const common::TempDir& dir);
  ~RecordingPlace();
  RecordingPlace(const RecordingPlace&) = delete;
  RecordingPlace& operator=(const RecordingPlace&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // The trades of a recording that leaves 4 GiB of memory, or of the disk, free.
  uint64_t Room() const;

 private:
  std::filesystem::path path_;
  // Empty when it is not this object's own.
  std::filesystem::path own_;
};

}  // namespace tokenwatch::load

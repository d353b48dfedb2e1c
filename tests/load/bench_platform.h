// What the benchmarks of whole processes run on: a PostgreSQL, a detector, recordings. A failure ends the program.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
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

// Says why on standard error and ends the program. Thread-safe.
[[noreturn]] void Fail(const std::string& why);

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) Fail(std::string(value.status().message()));
  return *std::move(value);
}
void Must(const absl::Status& status);
void Must(const grpc::Status& status);

// The number in an environment variable.
uint64_t Setting(const char* name, uint64_t by_default);

// A field of /proc/<pid>/status in MB, that is 10^6 bytes.
double MemoryMb(pid_t pid, absl::string_view field);

// The value below which `share` of them lie; sorts them.
double Quantile(std::vector<double>& values, double share);

// A 32-byte key or 64-byte signature that no other serial gives.
template <size_t kBytes>
std::array<uint8_t, kBytes> UniqueBytes(uint64_t serial) {
  std::array<uint8_t, kBytes> bytes{};
  for (size_t i = 0; i < kBytes; ++i) bytes[i] = static_cast<uint8_t>((serial >> (8 * (i % 8))) * 31 + i * 7 + 1);
  std::memcpy(bytes.data(), &serial, sizeof serial);
  bytes[kBytes - 1] = 0xa5;
  return bytes;
}

// A service that runs, with a channel to it.
class Service {
 public:
  // Starts `program` with `flags` and those every service takes, and waits until it serves.
  Service(const std::string& program, const common::TempDir& dir, std::vector<std::string> flags);

  // Has it drain and end.
  void Stop();

  pid_t pid() const { return process_->pid(); }
  // Host and port of its API.
  const std::string& address() const { return address_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  const std::string program_;
  std::unique_ptr<common::ChildProcess> process_;
  std::string address_;
  std::shared_ptr<grpc::Channel> channel_;
};

// One detector on one database.
class Detector : public Service {
 public:
  Detector(common::PgCluster& cluster, const common::TempDir& dir, std::vector<std::string> flags);

  detector::v1::DetectorService::Stub& stub() { return *stub_; }
  std::unique_ptr<detector::v1::DetectorService::Stub> NewStub() {
    return detector::v1::DetectorService::NewStub(channel());
  }
  detector::v1::GetStatusResponse Status();
  // Waits until it writes the log: it serves a moment before, and takes no reports then.
  void AwaitLead();

 private:
  std::unique_ptr<detector::v1::DetectorService::Stub> stub_;
};

// A server with the database "platform" and the roles of the services.
class Platform {
 public:
  Platform();
  common::PgCluster& cluster() { return *cluster_; }
  // Runs SQL, or one of psql's own commands, with its output in the file `redirect`; gives the seconds it took.
  double Psql(const std::string& sql, const std::string& redirect = "/dev/null");
  // The one number that a query yields.
  int64_t Count(const std::string& sql);

 private:
  std::unique_ptr<common::PgCluster> cluster_;
};

// Runs tokenwatch-sim, with its log in the file `log`. Thread-safe.
void Simulate(const std::filesystem::path& log, std::vector<std::string> flags);

// Makes the recording `dir`/`name` and gives its path. `part` tells recordings of one run apart: another seed, and
// later times. Another `seed` is another market at the same times.
std::string MakeRecording(const std::filesystem::path& dir, const std::string& name, uint64_t trades, uint64_t launches,
                          uint64_t part = 0, uint64_t seed = 7);

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

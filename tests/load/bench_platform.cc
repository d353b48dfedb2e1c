#include "tests/load/bench_platform.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace tokenwatch::load {

using common::ChildProcess;
using common::PgCluster;

namespace {

std::string Binary(const std::string& name) {
  const char* folder = std::getenv("TOKENWATCH_BINARY_DIR");
  if (folder == nullptr) Fail("TOKENWATCH_BINARY_DIR is not set: run ./dev bench");
  return absl::StrCat(folder, "/bin/", name);
}

// A client of which nobody asks anything looks at its connection once in this many milliseconds, where gRPC's default
// is 5,000: a server that goes waits until its clients have seen that it does.
void LookAtIdleConnections() { ::setenv("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "50", 0); }

// Value, in MB, of a field that a file of /proc states in kB.
double FieldMb(const std::string& path, absl::string_view field) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!absl::StartsWith(line, field)) continue;
    double kib = 0;
    const std::vector<std::string> words = absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (words.size() > 1 && absl::SimpleAtod(words[1], &kib)) return kib * 1024 / 1e6;
  }
  return 0;
}

std::vector<std::string> With(std::vector<std::string> flags, std::string flag) {
  flags.push_back(std::move(flag));
  return flags;
}

}  // namespace

void Fail(const std::string& why) {
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, why.c_str());
  std::exit(1);
}

void Must(const absl::Status& status) {
  if (!status.ok()) Fail(std::string(status.message()));
}

void Must(const grpc::Status& status) {
  if (!status.ok()) Fail(status.error_message());
}

uint64_t Setting(const char* name, uint64_t by_default) {
  const char* text = std::getenv(name);
  uint64_t value = by_default;
  if (text != nullptr && !absl::SimpleAtoi(text, &value)) Fail(absl::StrCat(name, " is no number"));
  return value;
}

double MemoryMb(pid_t pid, absl::string_view field) { return FieldMb(absl::StrCat("/proc/", pid, "/status"), field); }

double Quantile(std::vector<double>& values, double share) {
  if (values.empty()) Fail("nothing was measured");
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())))];
}

Service::Service(const std::string& program, const common::TempDir& dir, std::vector<std::string> flags)
    : program_(program) {
  LookAtIdleConnections();
  const std::string ports = (dir.path() / (program + ".ports.json")).string();
  std::remove(ports.c_str());
  ChildProcess::Options options;
  options.command = {Binary(program),    "--listen=127.0.0.1:0", "--http_listen=127.0.0.1:0",
                     "--drain_grace=0s", "--log_level=warning",  absl::StrCat("--port_file=", ports)};
  for (std::string& flag : flags) options.command.push_back(std::move(flag));
  options.stderr_file = dir.path() / (program + ".log");
  process_ = Must(ChildProcess::Start(options));
  int port = 0;
  for (int i = 0; i < 2000 && port == 0; ++i) {
    const std::string text = common::ReadFile(ports);
    if (const size_t at = text.find("\"grpc\":"); at != std::string::npos) {
      port = std::atoi(text.c_str() + at + 7);
    } else {
      absl::SleepFor(absl::Milliseconds(5));
    }
  }
  if (port == 0) Fail(absl::StrCat(program, " did not start: ", process_->Stderr()));
  address_ = absl::StrCat("127.0.0.1:", port);
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(64 << 20);
  channel_ = grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments);
}

void Service::Stop() {
  process_->Signal(SIGTERM);
  if (process_->Wait(absl::Seconds(60)) != 0) Fail(absl::StrCat(program_, " did not drain: ", process_->Stderr()));
}

Detector::Detector(PgCluster& cluster, const common::TempDir& dir, std::vector<std::string> flags)
    : Service("tokenwatch-detector", dir,
              With(std::move(flags), absl::StrCat("--dsn=", cluster.SocketDsn("platform", "detector")))),
      stub_(NewStub()) {}

detector::v1::GetStatusResponse Detector::Status() {
  grpc::ClientContext context;
  detector::v1::GetStatusResponse response;
  Must(stub_->GetStatus(&context, {}, &response));
  return response;
}

void Detector::AwaitLead() {
  const absl::Time end = absl::Now() + absl::Seconds(10);
  while (!Status().is_leader()) {
    if (absl::Now() > end) Fail("the detector does not write the log");
    absl::SleepFor(absl::Milliseconds(1));
  }
}

Platform::Platform() {
  cluster_ =
      Must(PgCluster::Start({.fsync = true,
                             .settings = {"shared_buffers = 512MB", "max_wal_size = 8GB", "checkpoint_timeout = 10min",
                                          "wal_level = minimal", "max_wal_senders = 0"}}));
  Must(cluster_->CreateDatabase("platform"));
  Must(cluster_->CreateRole("detector", "platform"));
  Must(cluster_->CreateRole("resolver", "platform"));
  Must(cluster_->CreateRole("pricing", "platform"));
}

double Platform::Psql(const std::string& sql, const std::string& redirect) {
  ChildProcess::Options options;
  options.command = {(PgCluster::BinDir() / "psql").string(),
                     cluster_->SocketDsn("platform", "postgres"),
                     "-qXAt",
                     "-v",
                     "ON_ERROR_STOP=1",
                     "-c",
                     sql};
  options.stdout_file = redirect;
  const absl::Time begin = absl::Now();
  if (Must(common::RunProcess(options, absl::Minutes(10))) != 0) Fail(absl::StrCat("psql failed: ", sql));
  return absl::ToDoubleSeconds(absl::Now() - begin);
}

int64_t Platform::Count(const std::string& sql) {
  int64_t count = 0;
  if (!absl::SimpleAtoi(Must(cluster_->QueryValue("platform", sql)), &count)) Fail(absl::StrCat("no number: ", sql));
  return count;
}

void Simulate(const std::filesystem::path& log, std::vector<std::string> flags) {
  ChildProcess::Options options;
  options.command = {Binary("tokenwatch-sim")};
  for (std::string& flag : flags) options.command.push_back(std::move(flag));
  options.stderr_file = log;
  if (Must(common::RunProcess(options, absl::Minutes(15))) != 0) {
    Fail(absl::StrCat("tokenwatch-sim failed: ", common::ReadFile(log)));
  }
}

std::string MakeRecording(const std::filesystem::path& dir, const std::string& name, uint64_t trades, uint64_t launches,
                          uint64_t part, uint64_t seed) {
  constexpr uint64_t kRate = 2000;
  constexpr uint64_t kStart = 1'783'165'101;
  // Parts of unlike lengths do not overlap either.
  const uint64_t span = std::max<uint64_t>(trades / kRate + 60, 7200);
  const std::string path = (dir / name).string();
  Simulate(dir / absl::StrCat(name, ".log"),
           {absl::StrCat("--seed=", seed + part), absl::StrCat("--start=", kStart + part * span),
            absl::StrCat("--trades=", trades), absl::StrCat("--launches=", launches), "--wallets=20000",
            absl::StrCat("--rate=", kRate), "--failed_share=0.1", absl::StrCat("--out=", path)});
  return path;
}

RecordingPlace::RecordingPlace(const common::TempDir& dir) : path_(dir.path()) {
  std::string name = "/dev/shm/twbench-XXXXXX";
  if (mkdtemp(name.data()) != nullptr) path_ = own_ = name;
}

RecordingPlace::~RecordingPlace() {
  std::error_code ignored;
  if (!own_.empty()) std::filesystem::remove_all(own_, ignored);
}

uint64_t RecordingPlace::Room() const {
  constexpr uint64_t kKeptFree = uint64_t{4} << 30;
  constexpr uint64_t kBytesPerTrade = 2200;
  const auto space = std::filesystem::space(path_);
  uint64_t free = space.available;
  if (!own_.empty()) free = std::min(free, static_cast<uint64_t>(FieldMb("/proc/meminfo", "MemAvailable:")) << 20);
  return free <= kKeptFree ? 0 : (free - kKeptFree) / kBytesPerTrade;
}

}  // namespace tokenwatch::load

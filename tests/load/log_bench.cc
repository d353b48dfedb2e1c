// The detector as a whole process on a PostgreSQL of its own (durability on): throughput of the log, of its readers,
// latency of launches, memory. Sizes are for a machine of two cores; TOKENWATCH_BENCH_TRADES changes them.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "chain/address.h"
#include "common/sync/mutex.h"
#include "common/testing/child_process.h"
#include "common/testing/pg_cluster.h"
#include "common/testing/temp_dir.h"
#include "grpcpp/grpcpp.h"
#include "tests/load/bench_report.h"
#include "tokenwatch/detector/v1/detector.grpc.pb.h"

namespace tokenwatch::load {
namespace {

using common::ChildProcess;
using common::PgCluster;
using detector::v1::DetectorService;

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "log_bench: %s\n", why.c_str());
  std::exit(1);
}

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) Fail(std::string(value.status().message()));
  return *std::move(value);
}

void Must(const absl::Status& status) {
  if (!status.ok()) Fail(std::string(status.message()));
}

std::string Binary(const std::string& name) {
  const char* folder = std::getenv("TOKENWATCH_BINARY_DIR");
  if (folder == nullptr) Fail("TOKENWATCH_BINARY_DIR is not set: run ./dev bench");
  return absl::StrCat(folder, "/bin/", name);
}

uint64_t Setting(const char* name, uint64_t by_default) {
  const char* text = std::getenv(name);
  uint64_t value = by_default;
  if (text != nullptr && !absl::SimpleAtoi(text, &value)) Fail(absl::StrCat(name, " is no number"));
  return value;
}

// Value of a field of /proc/<pid>/status in MiB.
double MemoryMiB(pid_t pid, absl::string_view field) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(file, line);) {
    if (!absl::StartsWith(line, field)) continue;
    double kib = 0;
    const std::vector<std::string> words = absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (words.size() > 1 && absl::SimpleAtod(words[1], &kib)) return kib / 1024;
  }
  return 0;
}

// One detector on one database.
class Detector {
 public:
  Detector(PgCluster& cluster, const common::TempDir& dir, std::vector<std::string> flags) {
    const std::string ports = (dir.path() / "ports.json").string();
    std::remove(ports.c_str());
    ChildProcess::Options options;
    options.command = {Binary("tokenwatch-detector"),
                       absl::StrCat("--dsn=", cluster.SocketDsn("platform", "detector")),
                       "--listen=127.0.0.1:0",
                       "--http_listen=127.0.0.1:0",
                       "--drain_grace=0s",
                       "--log_level=warning",
                       absl::StrCat("--port_file=", ports)};
    for (std::string& flag : flags) options.command.push_back(std::move(flag));
    options.stderr_file = dir.path() / "detector.log";
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
    if (port == 0) Fail(absl::StrCat("the detector did not start: ", process_->Stderr()));
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(64 << 20);
    channel_ =
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials(), arguments);
    stub_ = DetectorService::NewStub(channel_);
  }

  void Stop() {
    process_->Signal(SIGTERM);
    if (process_->Wait(absl::Seconds(60)) != 0) Fail(absl::StrCat("the detector did not drain: ", process_->Stderr()));
  }

  DetectorService::Stub& stub() { return *stub_; }
  std::unique_ptr<DetectorService::Stub> NewStub() { return DetectorService::NewStub(channel_); }
  pid_t pid() const { return process_->pid(); }
  ChildProcess& process() { return *process_; }

  detector::v1::GetStatusResponse Status() {
    grpc::ClientContext context;
    detector::v1::GetStatusResponse response;
    const grpc::Status status = stub_->GetStatus(&context, {}, &response);
    if (!status.ok()) Fail(absl::StrCat("GetStatus: ", status.error_message()));
    return response;
  }

 private:
  std::unique_ptr<ChildProcess> process_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<DetectorService::Stub> stub_;
};

class Platform {
 public:
  Platform() {
    cluster_ = Must(
        PgCluster::Start({.fsync = true,
                          .settings = {"shared_buffers = 512MB", "max_wal_size = 8GB", "checkpoint_timeout = 10min",
                                       "wal_level = minimal", "max_wal_senders = 0"}}));
    Must(cluster_->CreateDatabase("platform"));
    Must(cluster_->CreateRole("detector", "platform"));
  }
  PgCluster& cluster() { return *cluster_; }
  double Psql(const std::string& sql, const std::string& redirect = "/dev/null") {
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

 private:
  std::unique_ptr<PgCluster> cluster_;
};

std::string MakeRecording(const common::TempDir& dir, const std::string& name, uint64_t trades, uint64_t launches) {
  const std::string path = (dir.path() / name).string();
  ChildProcess::Options options;
  options.command = {Binary("tokenwatch-sim"),
                     "--seed=7",
                     absl::StrCat("--trades=", trades),
                     absl::StrCat("--launches=", launches),
                     "--wallets=20000",
                     "--rate=2000",
                     "--failed_share=0.1",
                     absl::StrCat("--out=", path)};
  options.stderr_file = dir.path() / "sim.log";
  if (Must(common::RunProcess(options, absl::Minutes(15))) != 0) {
    Fail(absl::StrCat("tokenwatch-sim failed: ", common::ReadFile(dir.path() / "sim.log")));
  }
  return path;
}

// Replays the recording; the rate over the whole of it, and the slowest ten seconds of it.
struct Replay {
  double seconds = 0;
  uint64_t trades = 0;
  double slowest_rate = 0;
  double peak_mib = 0;
};

Replay MeasureReplay(Detector& detector, absl::Duration window) {
  Replay replay;
  const absl::Time begin = absl::Now();
  constexpr absl::Duration kSettled = absl::Seconds(2);
  absl::Time window_begin = begin;
  absl::Time last_change = begin;
  uint64_t last_trades = 0;
  uint64_t window_trades = 0;
  while (true) {
    absl::SleepFor(absl::Milliseconds(100));
    const auto status = detector.Status();
    replay.trades = status.trade_cursor();
    bool finished = false;
    for (const auto& feed : status.feeds()) {
      if (feed.name() != "recording") continue;
      if (feed.state() == "failed") Fail(absl::StrCat("the recording failed: ", feed.detail()));
      finished = feed.state() == "finished";
    }
    const absl::Time now = absl::Now();
    if (now - window_begin >= window) {
      const double rate =
          static_cast<double>(replay.trades - window_trades) / absl::ToDoubleSeconds(now - window_begin);
      replay.slowest_rate = replay.slowest_rate == 0 ? rate : std::min(replay.slowest_rate, rate);
      window_begin = now;
      window_trades = replay.trades;
    }
    if (!finished) continue;
    // "finished" is said when the last batch was handed over; the log may still be writing what waits.
    if (replay.trades != last_trades) {
      last_trades = replay.trades;
      last_change = now;
    } else if (now - last_change > kSettled) {
      break;
    }
  }
  replay.seconds = absl::ToDoubleSeconds(last_change - begin);
  replay.peak_mib = MemoryMiB(detector.pid(), "VmHWM:");
  return replay;
}

void MeasureThroughput(Platform& platform, const common::TempDir& dir) {
  const uint64_t trades = Setting("TOKENWATCH_BENCH_TRADES", 2'000'000);
  const std::string recording = MakeRecording(dir, "throughput.jsonl", trades, trades / 100);
  Detector detector(platform.cluster(), dir, {"--feeds=recording", absl::StrCat("--recording=", recording)});
  const Replay replay = MeasureReplay(detector, absl::Seconds(10));
  std::remove(recording.c_str());

  // The limit: psql's COPY of the same rows into a table of the same shape.
  const std::string rows = (dir.path() / "rows.copy").string();
  const double out_s = platform.Psql("COPY (SELECT * FROM detector.trades ORDER BY cursor) TO STDOUT", rows);
  platform.Psql("CREATE TABLE public.copy_limit (LIKE detector.trades INCLUDING ALL)");
  ChildProcess::Options copy;
  copy.command = {
      "/bin/sh", "-c",
      absl::StrCat((PgCluster::BinDir() / "psql").string(), " '", platform.cluster().SocketDsn("platform", "postgres"),
                   "' -qXc '\\copy public.copy_limit from ", rows, "'")};
  const absl::Time begin = absl::Now();
  if (Must(common::RunProcess(copy, absl::Minutes(10))) != 0) Fail("psql's COPY failed");
  const double copy_rate = static_cast<double>(replay.trades) / absl::ToDoubleSeconds(absl::Now() - begin);
  platform.Psql("DROP TABLE public.copy_limit");
  std::remove(rows.c_str());

  const double rate = static_cast<double>(replay.trades) / replay.seconds;
  Report({"frame to durable log", rate, "trades/s", ">= 100000", "psql COPY of the same rows", copy_rate});
  if (replay.slowest_rate > 0) {
    Report({"frame to durable log, slowest 10 s", replay.slowest_rate, "trades/s", ">= 100000",
            "psql COPY of the same rows", copy_rate});
  }
  Report({"resident memory at the peak of that", replay.peak_mib, "MiB", "<= 70"});

  // One reader of the whole history.
  const auto stub = detector.NewStub();
  grpc::ClientContext context;
  detector::v1::TailTradesRequest request;
  request.set_until_head(true);
  const auto reader = stub->TailTrades(&context, request);
  detector::v1::TailTradesResponse response;
  uint64_t read = 0;
  const absl::Time read_begin = absl::Now();
  while (reader->Read(&response)) read += static_cast<uint64_t>(response.trades_size());
  const double read_s = absl::ToDoubleSeconds(absl::Now() - read_begin);
  if (const grpc::Status status = reader->Finish(); !status.ok()) Fail(status.error_message());
  if (read != replay.trades) Fail(absl::StrCat("the reader got ", read, " of ", replay.trades, " trades"));
  Report({"TailTrades from history", static_cast<double>(read) / read_s, "trades/s", ">= 300000",
          "psql COPY out of the same rows", static_cast<double>(replay.trades) / out_s});
  detector.Stop();
}

void MeasureMemoryTail(Platform& platform, const common::TempDir& dir) {
  // Starts on the log that is there, and adds trades that all stay in memory.
  constexpr uint64_t kTrades = 300'000;
  const std::string recording = MakeRecording(dir, "tail.jsonl", kTrades, 3'000);
  platform.Psql("DELETE FROM detector.feed_positions");
  Detector detector(platform.cluster(), dir,
                    {"--feeds=recording", absl::StrCat("--recording=", recording), "--tail_trades=1000000"});
  const uint64_t before = detector.Status().trade_cursor();
  MeasureReplay(detector, absl::Hours(1));
  std::remove(recording.c_str());
  const uint64_t head = detector.Status().trade_cursor();
  double best = 0;
  for (int pass = 0; pass < 5 && head > before; ++pass) {
    grpc::ClientContext context;
    detector::v1::TailTradesRequest request;
    request.set_after_cursor(before);
    request.set_until_head(true);
    const absl::Time begin = absl::Now();
    const auto reader = detector.stub().TailTrades(&context, request);
    detector::v1::TailTradesResponse response;
    uint64_t read = 0;
    while (reader->Read(&response)) read += static_cast<uint64_t>(response.trades_size());
    if (const grpc::Status status = reader->Finish(); !status.ok()) Fail(status.error_message());
    if (read != head - before) Fail("the reader did not get every trade");
    best = std::max(best, static_cast<double>(read) / absl::ToDoubleSeconds(absl::Now() - begin));
  }
  Report({"TailTrades from memory, parsed by one client", best, "trades/s", ">= 1000000"});
  detector.Stop();
}

double Quantile(std::vector<double>& values, double share) {
  if (values.empty()) Fail("nothing was measured");
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())))];
}

// A 32-byte key or 64-byte signature that no other call gives.
template <size_t kBytes>
std::array<uint8_t, kBytes> UniqueBytes(uint64_t serial) {
  std::array<uint8_t, kBytes> bytes{};
  for (size_t i = 0; i < kBytes; ++i) bytes[i] = static_cast<uint8_t>((serial >> (8 * (i % 8))) * 31 + i * 7 + 1);
  std::memcpy(bytes.data(), &serial, sizeof serial);
  bytes[kBytes - 1] = 0xa5;
  return bytes;
}

void MeasureLaunchLatency(Platform& platform, const common::TempDir& dir) {
  constexpr int kThreads = 4;
  constexpr int kPerThread = 2500;  // at 250 a second each: ten seconds
  Detector detector(platform.cluster(), dir, {});
  const uint64_t after = detector.Status().token_cursor();

  common::Mutex mutex;
  absl::flat_hash_map<std::string, absl::Time> sent;
  std::vector<double> latencies_ms;
  std::thread watcher([&] {
    const auto stub = detector.NewStub();
    grpc::ClientContext context;
    detector::v1::WatchTokensRequest request;
    request.set_after_cursor(after);
    const auto reader = stub->WatchTokens(&context, request);
    detector::v1::WatchTokensResponse response;
    int seen = 0;
    while (seen < kThreads * kPerThread && reader->Read(&response)) {
      const absl::Time now = absl::Now();
      common::MutexLock lock(mutex);
      for (const auto& event : response.events()) {
        const auto found = sent.find(event.token().token().address());
        if (found == sent.end()) continue;
        latencies_ms.push_back(absl::ToDoubleMilliseconds(now - found->second));
        ++seen;
      }
    }
    context.TryCancel();
  });
  std::vector<std::thread> senders;
  for (int t = 0; t < kThreads; ++t) {
    senders.emplace_back([&, t] {
      const auto stub = detector.NewStub();
      absl::Time next = absl::Now();
      for (int i = 0; i < kPerThread; ++i) {
        const auto serial = static_cast<uint64_t>(t) * 1'000'000 + static_cast<uint64_t>(i) + 1;
        detector::v1::ReportTokensRequest request;
        request.set_feeder("bench");
        auto* launch = request.add_launches();
        const std::string address(chain::Address::FromSolanaBytes(UniqueBytes<32>(serial)).text());
        launch->mutable_token()->set_chain("solana");
        launch->mutable_token()->set_address(address);
        launch->set_name(absl::StrCat("Token ", serial));
        launch->set_symbol("TKN");
        launch->set_venue("pump");
        launch->set_transaction(std::string(chain::TransactionId::FromSolanaBytes(UniqueBytes<64>(serial)).text()));
        launch->mutable_event_time()->set_seconds(1'783'000'000);
        next += absl::Milliseconds(4);
        absl::SleepFor(next - absl::Now());
        {
          common::MutexLock lock(mutex);
          sent[address] = absl::Now();
        }
        grpc::ClientContext context;
        detector::v1::ReportTokensResponse response;
        if (const grpc::Status status = stub->ReportTokens(&context, request, &response); !status.ok()) {
          Fail(status.error_message());
        }
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  watcher.join();
  Report({"launch sent to event received by a watcher, 1,000/s, p50", Quantile(latencies_ms, 0.50), "ms", "<= 2"});
  Report({"launch sent to event received by a watcher, 1,000/s, p99", Quantile(latencies_ms, 0.99), "ms", "<= 10"});
  const auto inside = detector.Status().launch_latency();
  const auto ms = [](const google::protobuf::Duration& d) {
    return static_cast<double>(d.seconds()) * 1e3 + d.nanos() / 1e6;
  };
  Report({"launch arrived to durable and published, p50", ms(inside.p50()), "ms", "<= 2"});
  Report({"launch arrived to durable and published, p99", ms(inside.p99()), "ms", "<= 10"});
  detector.Stop();
}

void MeasureMemory(const common::TempDir& dir) {
  Platform platform;
  const std::string recording = MakeRecording(dir, "memory.jsonl", 1'000'000, 50'000);
  Detector detector(platform.cluster(), dir, {"--feeds=recording", absl::StrCat("--recording=", recording)});
  MeasureReplay(detector, absl::Hours(1));
  std::remove(recording.c_str());
  Report({"detector: resident after 1,000,000 trades and 50,000 tokens", MemoryMiB(detector.pid(), "VmRSS:"), "MiB",
          "<= 70"});
  detector.Stop();
}

void MeasureStart(Platform& platform, const common::TempDir& dir) {
  double best_ms = 1e9;
  for (int i = 0; i < 5; ++i) {
    const absl::Time begin = absl::Now();
    Detector detector(platform.cluster(), dir, {});
    detector.Status();
    best_ms = std::min(best_ms, absl::ToDoubleMilliseconds(absl::Now() - begin));
    detector.Stop();
  }
  Report({"detector: start to first answer, migrated database, best of 5", best_ms, "ms", "<= 300"});
}

// All parts, or those named: throughput, latency, memory.
int Main(const std::vector<std::string>& names) {
  const auto wanted = [&](const std::string& part) {
    return names.empty() || std::find(names.begin(), names.end(), part) != names.end();
  };
  const common::TempDir dir;
  if (wanted("throughput")) {
    Platform platform;
    MeasureThroughput(platform, dir);
    MeasureMemoryTail(platform, dir);
    MeasureStart(platform, dir);
  }
  if (wanted("latency")) {
    Platform platform;
    MeasureLaunchLatency(platform, dir);
  }
  if (wanted("memory")) MeasureMemory(dir);
  return 0;
}

}  // namespace
}  // namespace tokenwatch::load

int main(int argc, char** argv) { return tokenwatch::load::Main({argv + 1, argv + argc}); }

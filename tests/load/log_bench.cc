// The detector as a whole process on a PostgreSQL of its own (durability on): throughput of the log, of its readers,
// latency of launches, memory. Sizes are for a machine of two cores; TOKENWATCH_BENCH_TRADES sets the length of the
// replay.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "chain/address.h"
#include "common/sync/mutex.h"
#include "tests/load/bench_platform.h"
#include "tests/load/bench_report.h"

namespace tokenwatch::load {
namespace {

constexpr double kWindowSeconds = 10;

// Where the time of a benchmark goes, for who waits for it.
void Note(const std::string& what, absl::Time since) {
  std::fprintf(stderr, "log_bench: %s in %.1f s\n", what.c_str(), absl::ToDoubleSeconds(absl::Now() - since));
}

// What is known of the log at a moment, in seconds since the measuring began.
struct Sample {
  double seconds = 0;
  uint64_t trades = 0;
};

// Replays, one after the other as if without a pause.
struct Replay {
  double seconds = 0;
  uint64_t trades = 0;
  double peak_mb = 0;
  std::vector<Sample> samples;

  double Rate() const { return static_cast<double>(trades) / seconds; }
  // Over any kWindowSeconds of it, wherever they begin; nullopt when it is shorter.
  std::optional<double> SlowestRate() const {
    std::optional<double> slowest;
    size_t end = 0;
    for (const Sample& begin : samples) {
      while (end < samples.size() && samples[end].seconds - begin.seconds < kWindowSeconds) ++end;
      if (end == samples.size()) break;
      const double rate =
          static_cast<double>(samples[end].trades - begin.trades) / (samples[end].seconds - begin.seconds);
      slowest = std::min(slowest.value_or(rate), rate);
    }
    return slowest;
  }
};

uint64_t HeadOf(Platform& platform) {
  return static_cast<uint64_t>(platform.Count("SELECT trade_cursor FROM detector.log_heads"));
}

// Adds what the detector, started at `begin` on a log that ended at `head`, reads of its recording until `expected`
// trades more are in the log.
void MeasureReplay(Detector& detector, absl::Time begin, uint64_t head, uint64_t expected, Replay& replay) {
  constexpr absl::Duration kPatience = absl::Seconds(10);
  const double before_s = replay.seconds;
  const uint64_t before = replay.trades;
  absl::Time last_change = begin;
  uint64_t read = 0;
  bool finished = false;
  // "finished" is said when the last batch was handed over; the log may still be writing what waits.
  while (!finished || read != expected) {
    absl::SleepFor(absl::Milliseconds(100));
    const auto status = detector.Status();
    const absl::Time now = absl::Now();
    for (const auto& feed : status.feeds()) {
      if (feed.name() != "recording") continue;
      if (feed.state() == "failed") Fail(absl::StrCat("the recording failed: ", feed.detail()));
      finished = feed.state() == "finished";
    }
    if (status.trade_cursor() - head != read) last_change = now;
    read = status.trade_cursor() - head;
    if (read > expected || now - last_change > kPatience) {
      Fail(absl::StrCat(read, " of ", expected, " trades were logged"));
    }
    replay.trades = before + read;
    replay.seconds = before_s + absl::ToDoubleSeconds(now - begin);
    replay.samples.push_back({replay.seconds, replay.trades});
  }
  replay.peak_mb = std::max(replay.peak_mb, MemoryMb(detector.pid(), "VmHWM:"));
}

// Rates of psql's COPY in, for a limit: the same rows into a table of the same shape.
struct CopyLimit {
  double text = 0;
  double binary = 0;
};

CopyLimit MeasureCopyLimit(Platform& platform, const std::filesystem::path& dir, uint64_t rows) {
  CopyLimit limit;
  for (const bool binary : {false, true}) {
    const std::string file = (dir / "rows.copy").string();
    const std::string format = binary ? " (FORMAT binary)" : "";
    platform.Psql(absl::StrCat("COPY (SELECT * FROM detector.trades WHERE cursor <= ", rows, ") TO STDOUT", format),
                  file);
    platform.Psql("CREATE TABLE public.copy_limit (LIKE detector.trades INCLUDING ALL)");
    const double seconds = platform.Psql(absl::StrCat("\\copy public.copy_limit from ", file, format));
    platform.Psql("DROP TABLE public.copy_limit");
    std::remove(file.c_str());
    (binary ? limit.binary : limit.text) = static_cast<double>(rows) / seconds;
  }
  return limit;
}

// One reader of the newest `rows` of the log, of which memory holds nearly none.
void MeasureHistory(Platform& platform, Detector& detector, uint64_t rows) {
  const uint64_t after = detector.Status().trade_cursor() - rows;
  const double psql_s = platform.Psql(
      absl::StrCat("COPY (SELECT * FROM detector.trades WHERE cursor > ", after, " ORDER BY cursor) TO STDOUT"));
  const auto stub = detector.NewStub();
  grpc::ClientContext context;
  detector::v1::TailTradesRequest request;
  request.set_after_cursor(after);
  request.set_until_head(true);
  const auto reader = stub->TailTrades(&context, request);
  detector::v1::TailTradesResponse response;
  uint64_t read = 0;
  const absl::Time begin = absl::Now();
  while (reader->Read(&response)) read += static_cast<uint64_t>(response.trades_size());
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  Must(reader->Finish());
  if (read != rows) Fail(absl::StrCat("the reader got ", read, " of ", rows, " trades"));
  Report({"TailTrades from history", static_cast<double>(read) / seconds, "trades/s", ">= 300000",
          "psql COPY out of the same rows", static_cast<double>(rows) / psql_s});
}

// Two recordings made at the same time, one a core.
std::vector<std::string> MakeTwoRecordings(const std::filesystem::path& dir, uint64_t trades, uint64_t part) {
  std::vector<std::string> paths(2);
  std::vector<std::thread> makers;
  for (uint64_t i = 0; i < paths.size(); ++i) {
    makers.emplace_back([&, i] {
      paths[i] = MakeRecording(dir, absl::StrCat("throughput", i, ".jsonl"), trades, trades / 100, part + i);
    });
  }
  for (std::thread& maker : makers) maker.join();
  return paths;
}

// A whole minute of replay, unless TOKENWATCH_BENCH_TRADES says how much. Recordings follow each other, each with the
// detector started anew, which counts; while they are made nothing is measured.
void MeasureThroughput(Platform& platform, const common::TempDir& dir) {
  constexpr uint64_t kMostAtOnce = 6'000'000;
  constexpr uint64_t kBaselineRows = 2'000'000;
  constexpr double kSeconds = 60;
  // A little more than the minute takes at the rate that was seen.
  constexpr double kSpare = 1.05;
  const RecordingPlace place(dir);
  const uint64_t given = Setting("TOKENWATCH_BENCH_TRADES", 0);
  const uint64_t room = std::min(kMostAtOnce, place.Room());
  Replay sum;
  std::unique_ptr<Detector> detector;
  for (uint64_t part = 0; part == 0 || (given == 0 && sum.seconds < kSeconds); part += 2) {
    uint64_t wanted = room;
    if (given > 0) wanted = given;
    if (part > 0) wanted = std::min(room, static_cast<uint64_t>((kSeconds - sum.seconds) * kSpare * sum.Rate()));
    const uint64_t half = std::max<uint64_t>(wanted / 2, 10'000);
    if (room < 2 * half) Fail("there is no room for recordings: free memory, or disk where TMPDIR is");
    const absl::Time making = absl::Now();
    const std::vector<std::string> recordings = MakeTwoRecordings(place.path(), half, part);
    Note(absl::StrCat("made recordings of ", 2 * half, " trades"), making);
    for (const std::string& recording : recordings) {
      if (detector != nullptr) detector->Stop();
      const absl::Time begin = absl::Now();
      detector = std::make_unique<Detector>(
          platform.cluster(), dir,
          std::vector<std::string>{"--feeds=recording", absl::StrCat("--recording=", recording)});
      MeasureReplay(*detector, begin, sum.trades, half, sum);
      std::remove(recording.c_str());
      Note(absl::StrCat("replayed ", half, " trades"), begin);
    }
  }
  const absl::Time copying = absl::Now();
  const CopyLimit limit = MeasureCopyLimit(platform, place.path(), std::min(kBaselineRows, sum.trades));
  Note("copied in by psql", copying);
  const std::string sustained = absl::StrFormat("frame to durable log, sustained for %.0f s", sum.seconds);
  Report({sustained, sum.Rate(), "trades/s", ">= 100000", "psql text COPY of the same rows", limit.text});
  Report({sustained, sum.Rate(), "trades/s", ">= 100000", "psql binary COPY of the same rows", limit.binary});
  if (const std::optional<double> slowest = sum.SlowestRate(); slowest.has_value()) {
    Report({absl::StrFormat("frame to durable log, slowest %.0f s", kWindowSeconds), *slowest, "trades/s", ">= 100000",
            "psql text COPY of the same rows", limit.text});
  }
  Report({"resident memory at the peak of that", sum.peak_mb, "MB", "<= 70"});
  MeasureHistory(platform, *detector, std::min(kBaselineRows, sum.trades));
  detector->Stop();
}

// Trades of times at which the writer has forgotten what it logged: it must look for each of them in the log.
void MeasureLateTrades(Platform& platform, const common::TempDir& dir) {
  constexpr uint64_t kTrades = 300'000;
  // Another market at the time of the first recording.
  const std::string recording = MakeRecording(dir.path(), "late.jsonl", kTrades, 3'000, 0, 999);
  const uint64_t head = HeadOf(platform);
  const absl::Time begin = absl::Now();
  Detector detector(platform.cluster(), dir, {"--feeds=recording", absl::StrCat("--recording=", recording)});
  Replay replay;
  MeasureReplay(detector, begin, head, kTrades, replay);
  std::remove(recording.c_str());
  Report({"frame to durable log, trades that must be looked for in it first", replay.Rate(), "trades/s"});
  detector.Stop();
}

// How fast the messages of a tail are parsed when they are at hand already: the most that one reader can take.
double ParseRate(const std::vector<std::string>& messages) {
  detector::v1::TailTradesResponse response;
  double best = 0;
  for (int pass = 0; pass < 3; ++pass) {
    uint64_t read = 0;
    const absl::Time begin = absl::Now();
    for (const std::string& message : messages) {
      if (!response.ParseFromString(message)) Fail("a message cannot be parsed");
      read += static_cast<uint64_t>(response.trades_size());
    }
    best = std::max(best, static_cast<double>(read) / absl::ToDoubleSeconds(absl::Now() - begin));
  }
  return best;
}

void MeasureMemoryTail(Platform& platform, const common::TempDir& dir) {
  // Starts on the log that is there, and adds trades that all stay in memory.
  constexpr uint64_t kTrades = 300'000;
  const std::string recording = MakeRecording(dir.path(), "tail.jsonl", kTrades, 3'000, 1000);
  const uint64_t before = HeadOf(platform);
  const absl::Time start = absl::Now();
  Detector detector(platform.cluster(), dir,
                    {"--feeds=recording", absl::StrCat("--recording=", recording), "--tail_trades=1000000"});
  Replay replay;
  MeasureReplay(detector, start, before, kTrades, replay);
  std::remove(recording.c_str());
  double best = 0;
  std::vector<std::string> messages;
  for (int pass = 0; pass < 5; ++pass) {
    grpc::ClientContext context;
    detector::v1::TailTradesRequest request;
    request.set_after_cursor(before);
    request.set_until_head(true);
    const absl::Time begin = absl::Now();
    const auto reader = detector.stub().TailTrades(&context, request);
    detector::v1::TailTradesResponse response;
    uint64_t read = 0;
    while (reader->Read(&response)) {
      read += static_cast<uint64_t>(response.trades_size());
      // The first pass is the slowest anyway.
      if (pass == 0) messages.push_back(response.SerializeAsString());
    }
    Must(reader->Finish());
    if (read != kTrades) Fail("the reader did not get every trade");
    best = std::max(best, static_cast<double>(read) / absl::ToDoubleSeconds(absl::Now() - begin));
  }
  Report({"TailTrades from memory, parsed by one client", best, "trades/s", ">= 1000000",
          "parsing of the same messages alone", ParseRate(messages)});
  detector.Stop();
}

// What making one page durable takes here: no commit can be faster. Sorted, in ms.
std::vector<double> MeasureDisk(const common::TempDir& dir) {
  constexpr int kPages = 500;
  const int file = ::open((dir.path() / "pages").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) Fail("no file can be made for measuring the disk");
  const std::string page(8192, 'x');
  std::vector<double> took_ms;
  for (int i = 0; i < kPages; ++i) {
    const absl::Time begin = absl::Now();
    const bool written = ::pwrite(file, page.data(), page.size(), 0) == static_cast<ssize_t>(page.size());
    if (!written || ::fdatasync(file) != 0) Fail("the disk cannot be written");
    took_ms.push_back(absl::ToDoubleMilliseconds(absl::Now() - begin));
  }
  ::close(file);
  std::sort(took_ms.begin(), took_ms.end());
  return took_ms;
}

void MeasureLaunchLatency(Platform& platform, const common::TempDir& dir) {
  constexpr int kThreads = 4;
  constexpr int kPerThread = 2500;  // at 250 a second each: ten seconds
  std::vector<double> disk_ms = MeasureDisk(dir);
  Detector detector(platform.cluster(), dir, {});
  detector.AwaitLead();
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
        Must(stub->ReportTokens(&context, request, &response));
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  watcher.join();
  const std::string baseline = "fdatasync of a page in the same run";
  const double disk_p50 = Quantile(disk_ms, 0.50);
  const double disk_p99 = Quantile(disk_ms, 0.99);
  Report({"launch sent to event received by a watcher, 1,000/s, p50", Quantile(latencies_ms, 0.50), "ms", "<= 2",
          baseline, disk_p50});
  Report({"launch sent to event received by a watcher, 1,000/s, p99", Quantile(latencies_ms, 0.99), "ms", "<= 10",
          baseline, disk_p99});
  const auto inside = detector.Status().launch_latency();
  const auto ms = [](const google::protobuf::Duration& d) {
    return static_cast<double>(d.seconds()) * 1e3 + d.nanos() / 1e6;
  };
  Report({"launch arrived to durable and published, p50", ms(inside.p50()), "ms", "<= 2", baseline, disk_p50});
  Report({"launch arrived to durable and published, p99", ms(inside.p99()), "ms", "<= 10", baseline, disk_p99});
  detector.Stop();
}

void MeasureMemory(const common::TempDir& dir) {
  Platform platform;
  constexpr uint64_t kTrades = 1'000'000;
  const std::string recording = MakeRecording(dir.path(), "memory.jsonl", kTrades, 50'000);
  const absl::Time start = absl::Now();
  Detector detector(platform.cluster(), dir, {"--feeds=recording", absl::StrCat("--recording=", recording)});
  Replay replay;
  MeasureReplay(detector, start, 0, kTrades, replay);
  std::remove(recording.c_str());
  Report({"detector: resident after 1,000,000 trades and 50,000 tokens", MemoryMb(detector.pid(), "VmRSS:"), "MB",
          "<= 70"});
  detector.Stop();
}

// On the log that is there.
void MeasureStart(Platform& platform, const common::TempDir& dir) {
  constexpr int kStarts = 5;
  double answer_ms = 1e9;
  double lead_ms = 1e9;
  for (int i = 0; i < kStarts; ++i) {
    const absl::Time begin = absl::Now();
    Detector detector(platform.cluster(), dir, {});
    detector.Status();
    answer_ms = std::min(answer_ms, absl::ToDoubleMilliseconds(absl::Now() - begin));
    detector.AwaitLead();
    lead_ms = std::min(lead_ms, absl::ToDoubleMilliseconds(absl::Now() - begin));
    detector.Stop();
  }
  const std::string log =
      absl::StrFormat(", log of %.1f million trades, best of %d", static_cast<double>(HeadOf(platform)) / 1e6, kStarts);
  Report({absl::StrCat("detector: start to first answer", log), answer_ms, "ms", "<= 300"});
  Report({absl::StrCat("detector: start to writing the log", log), lead_ms, "ms", "<= 300"});
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
    MeasureLateTrades(platform, dir);
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

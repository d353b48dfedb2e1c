// Pricing as a whole process behind a detector: how quickly it folds a log, how soon a trade shows in a price, and how
// many prices it answers. TOKENWATCH_BENCH_TRADES changes the size of the log.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "chain/address.h"
#include "common/sync/mutex.h"
#include "tests/load/bench_platform.h"
#include "tests/load/bench_report.h"
#include "tests/load/price_subscribers.h"
#include "tokenwatch/pricing/v1/pricing.grpc.pb.h"

namespace tokenwatch::load {
namespace {

namespace pb = ::tokenwatch::pricing::v1;
using pb::PricingService;

constexpr char kSol[] = "So11111111111111111111111111111111111111112";
constexpr int kBatch = 500;

class Pricing : public Service {
 public:
  Pricing(Platform& platform, Detector& detector, const common::TempDir& dir, std::vector<std::string> flags = {})
      : Service("tokenwatch-pricing", dir, With(platform, detector, std::move(flags))),
        stub_(PricingService::NewStub(channel())) {}

  PricingService::Stub& stub() { return *stub_; }
  pb::GetStatusResponse Status() {
    grpc::ClientContext context;
    pb::GetStatusResponse response;
    Must(stub_->GetStatus(&context, {}, &response));
    return response;
  }
  void AwaitFolded(uint64_t head) {
    while (Status().cursor() < head) absl::SleepFor(absl::Milliseconds(20));
  }

 private:
  static std::vector<std::string> With(Platform& platform, Detector& detector, std::vector<std::string> flags) {
    flags.push_back(absl::StrCat("--dsn=", platform.cluster().SocketDsn("platform", "pricing")));
    flags.push_back(absl::StrCat("--detector=", detector.address()));
    flags.push_back("--providers=");
    return flags;
  }
  std::unique_ptr<PricingService::Stub> stub_;
};

uint64_t ReadWholeLog(Detector& detector) {
  grpc::ClientContext context;
  detector::v1::TailTradesRequest request;
  request.set_until_head(true);
  const auto reader = detector.stub().TailTrades(&context, request);
  detector::v1::TailTradesResponse response;
  uint64_t read = 0;
  while (reader->Read(&response)) read += static_cast<uint64_t>(response.trades_size());
  Must(reader->Finish());
  return read;
}

void MeasureFold(Platform& platform, Detector& detector, const common::TempDir& dir) {
  absl::Time begin = absl::Now();
  const uint64_t trades = ReadWholeLog(detector);
  const double read_rate = static_cast<double>(trades) / absl::ToDoubleSeconds(absl::Now() - begin);
  const uint64_t head = detector.Status().trade_cursor();
  Pricing pricing(platform, detector, dir);
  begin = absl::Now();
  pricing.AwaitFolded(head);
  const double rate = static_cast<double>(trades) / absl::ToDoubleSeconds(absl::Now() - begin);
  Report({"log to prices, end to end", rate, "trades/s", ">= 200000", "one reader of the same log", read_rate});
  Report({"pricing: resident after that", MemoryMb(pricing.pid(), "VmRSS:"), "MB", "<= 200"});
  pricing.Stop();
  const int64_t rows =
      platform.Count("SELECT sum(n_tup_ins + n_tup_upd) FROM pg_stat_user_tables WHERE schemaname = 'pricing'");
  Report({"rows written for that", static_cast<double>(rows), "rows", "", "one update per trade",
          static_cast<double>(trades)});
}

// Trades of tokens of the benchmark's own, reported to the detector one call each.
class Reporter {
 public:
  explicit Reporter(Detector& detector) : stub_(detector.NewStub()) {}

  static std::string Token(uint64_t number) {
    return std::string(chain::Address::FromSolanaBytes(UniqueBytes<32>(5'000'000 + number)).text());
  }
  // The cursor at which it is durable.
  uint64_t Trade(uint64_t token) {
    const uint64_t serial = ++serial_;
    detector::v1::ReportTradesRequest request;
    request.set_feeder("bench");
    auto* trade = request.add_trades();
    trade->set_chain("solana");
    trade->set_transaction(
        std::string(chain::TransactionId::FromSolanaBytes(UniqueBytes<64>(9'000'000'000 + serial)).text()));
    trade->set_event_index(0);
    trade->set_token(Token(token));
    trade->set_trader(std::string(chain::Address::FromSolanaBytes(UniqueBytes<32>(7'000'000)).text()));
    trade->set_side(detector::v1::TRADE_SIDE_BUY);
    trade->set_venue("pump");
    trade->set_quote_address(kSol);
    trade->set_token_amount("1000000");
    trade->set_quote_amount("30000");
    trade->set_virtual_token_reserve(absl::StrCat(1'073'000'000'000'000 - serial * 1'000'000));
    trade->set_virtual_quote_reserve(absl::StrCat(30'000'000'000 + serial * 30'000));
    trade->set_real_token_reserve(absl::StrCat(793'100'000'000'000 - serial * 1'000'000));
    trade->set_real_quote_reserve(absl::StrCat(serial * 30'000));
    trade->mutable_event_time()->set_seconds(absl::ToUnixSeconds(absl::Now()));
    grpc::ClientContext context;
    detector::v1::ReportTradesResponse response;
    Must(stub_->ReportTrades(&context, request, &response));
    return response.cursor();
  }

 private:
  std::unique_ptr<detector::v1::DetectorService::Stub> stub_;
  uint64_t serial_ = 0;
};

// Reports trades at a steady rate; what the subscribers take from the moment a trade is durable.
std::vector<double> MeasureVisible(Detector& detector, PriceSubscribers& subscribers, uint64_t token, int trades,
                                   absl::Duration pace) {
  Reporter reporter(detector);
  absl::Time next = absl::Now();
  uint64_t last = 0;
  for (int i = 0; i < trades; ++i) {
    next += pace;
    absl::SleepFor(next - absl::Now());
    last = reporter.Trade(token);
    subscribers.Durable(last, absl::Now());
  }
  subscribers.AwaitCursor(last, absl::Seconds(20));
  return subscribers.TakeLatenciesMs();
}

void MeasureStreams(Platform& platform, Detector& detector, const common::TempDir& dir) {
  Pricing pricing(platform, detector, dir);
  pricing.AwaitFolded(detector.Status().trade_cursor());
  {
    PriceSubscribers one(pricing.address(), Reporter::Token(1), 1, 0);
    std::vector<double> ms = MeasureVisible(detector, one, 1, 3000, absl::Milliseconds(2));
    Report({"trade durable to price at a subscriber, p50", Quantile(ms, 0.5), "ms"});
    Report({"trade durable to price at a subscriber, p99", Quantile(ms, 0.99), "ms", "<= 100"});
  }
  {
    constexpr int kSubscribers = 1000;
    PriceSubscribers many(pricing.address(), Reporter::Token(2), kSubscribers - 1, 1);
    std::vector<double> ms = MeasureVisible(detector, many, 2, 200, absl::Milliseconds(100));
    Report({"the same for 999 of 1,000 subscribers while one never reads, p99", Quantile(ms, 0.99), "ms", "<= 20"});
  }
  pricing.Stop();
}

// Prices a second that redis answers to MGET of as many keys, one client; 0 when there is no redis here.
double RedisMget(const common::TempDir& dir) {
  if (std::system("command -v redis-server >/dev/null && command -v redis-benchmark >/dev/null") != 0) {
    std::fprintf(stderr, "pricing_bench: no redis-server here: its MGET is not measured\n");
    return 0;
  }
  const std::string socket = (dir.path() / "redis.sock").string();
  common::ChildProcess::Options options;
  options.command = {"redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"};
  options.stdout_file = dir.path() / "redis.log";
  const auto server = Must(common::ChildProcess::Start(options));
  const auto run = [&](std::vector<std::string> command, const char* out) {
    common::ChildProcess::Options call;
    call.command = std::move(command);
    call.stdout_file = dir.path() / out;
    if (Must(common::RunProcess(call, absl::Minutes(2))) != 0) Fail(call.command[0] + " failed");
    return common::ReadFile(dir.path() / out);
  };
  for (int i = 0; i < 200 && std::system(absl::StrCat("redis-cli -s ", socket, " ping >/dev/null 2>&1").c_str()) != 0;
       ++i) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  std::vector<std::string> set = {"redis-cli", "-s", socket, "MSET"};
  std::vector<std::string> get = {"redis-benchmark", "-s", socket, "-c", "1", "-n", "20000", "--csv", "MGET"};
  for (int i = 0; i < kBatch; ++i) {
    const std::string key = absl::StrCat("prices:", Reporter::Token(static_cast<uint64_t>(i)));
    set.push_back(key);
    // About what a price is, as the replaced system kept it.
    set.push_back(R"({"price":0.0000279589934762349,"priceUsd":0.00419384902143,"ts":1783165101,"volume":123456789})");
    get.push_back(key);
  }
  run(std::move(set), "redis.set");
  const std::string csv = run(std::move(get), "redis.get");
  // The last line: "MGET ...","requests a second",...
  const std::vector<std::string> lines = absl::StrSplit(csv, '\n', absl::SkipWhitespace());
  double calls = 0;
  const std::string& last = lines.back();
  const std::vector<std::string> fields = absl::StrSplit(last.substr(last.find("\",") + 2), ',');
  if (!absl::SimpleAtod(absl::StripSuffix(absl::StripPrefix(fields[0], "\""), "\""), &calls)) {
    Fail("redis-benchmark said: " + last);
  }
  server->Signal(SIGTERM);
  server->Wait(absl::Seconds(10));
  return calls * kBatch;
}

std::vector<std::string> HotTokens(Pricing& pricing) {
  grpc::ClientContext context;
  pb::ListHotTokensRequest request;
  request.set_page_size(kBatch);
  pb::ListHotTokensResponse response;
  Must(pricing.stub().ListHotTokens(&context, request, &response));
  std::vector<std::string> tokens;
  for (const auto& hot : response.tokens()) tokens.push_back(hot.price().token().address());
  if (tokens.size() < kBatch) Fail("the log has too few tokens");
  return tokens;
}

void MeasureReads(Platform& platform, Detector& detector, const common::TempDir& dir) {
  Pricing pricing(platform, detector, dir);
  pricing.AwaitFolded(detector.Status().trade_cursor());
  const std::vector<std::string> tokens = HotTokens(pricing);
  pb::BatchGetPricesRequest batch;
  for (const std::string& token : tokens) {
    batch.add_tokens()->set_chain("solana");
    batch.mutable_tokens(batch.tokens_size() - 1)->set_address(token);
  }
  pb::BatchGetPricesResponse prices;
  constexpr int kCalls = 3000;
  const absl::Time begin = absl::Now();
  for (int i = 0; i < kCalls; ++i) {
    grpc::ClientContext context;
    Must(pricing.stub().BatchGetPrices(&context, batch, &prices));
    if (prices.prices_size() != kBatch) Fail("a price is missing");
  }
  const double rate = kCalls * kBatch / absl::ToDoubleSeconds(absl::Now() - begin);
  Report({"BatchGetPrices of 500 tokens, one client", rate, "prices/s", ">= 1000000", "redis MGET of 500 keys",
          RedisMget(dir)});

  constexpr int kThreads = 4;
  constexpr int kPerThread = 12'500;  // at 1,250 a second each: ten seconds
  std::vector<std::vector<double>> ms(kThreads);
  std::vector<std::thread> callers;
  for (int t = 0; t < kThreads; ++t) {
    callers.emplace_back([&, t] {
      const auto stub = PricingService::NewStub(pricing.channel());
      pb::GetPriceRequest request;
      request.mutable_token()->set_chain("solana");
      pb::GetPriceResponse response;
      absl::Time next = absl::Now();
      for (int i = 0; i < kPerThread; ++i) {
        next += absl::Microseconds(800);
        absl::SleepFor(next - absl::Now());
        request.mutable_token()->set_address(tokens[static_cast<size_t>(i) % tokens.size()]);
        grpc::ClientContext context;
        Must(stub->GetPrice(&context, request, &response));
        // From when it was due: a call that waits for the one before is late, too.
        ms[static_cast<size_t>(t)].push_back(absl::ToDoubleMilliseconds(absl::Now() - next));
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  std::vector<double> all;
  for (const std::vector<double>& some : ms) all.insert(all.end(), some.begin(), some.end());
  Report({"GetPrice at 5,000 calls/s, p50", Quantile(all, 0.5), "ms"});
  Report({"GetPrice at 5,000 calls/s, p99", Quantile(all, 0.99), "ms", "<= 2"});
  pricing.Stop();
}

// Until the recording is in the log to its end.
void AwaitReplayed(Detector& detector) {
  detector.AwaitLead();
  uint64_t before = 0;
  while (true) {
    absl::SleepFor(absl::Seconds(1));
    const auto status = detector.Status();
    bool finished = false;
    for (const auto& feed : status.feeds()) {
      if (feed.state() == "failed") Fail("the replay failed: " + feed.detail());
      finished = finished || feed.state() == "finished";
    }
    if (finished && status.trade_cursor() == before) return;
    before = status.trade_cursor();
  }
}

int Main(const std::vector<std::string>& names) {
  const auto wanted = [&](const std::string& part) {
    return names.empty() || std::find(names.begin(), names.end(), part) != names.end();
  };
  const common::TempDir dir;
  Platform platform;
  const uint64_t trades = Setting("TOKENWATCH_BENCH_TRADES", 1'500'000);
  const std::string recording = MakeRecording(dir.path(), "session.jsonl", trades, trades / 100);
  Detector detector(platform.cluster(), dir, {"--feeds=recording", "--recording=" + recording});
  AwaitReplayed(detector);
  std::remove(recording.c_str());
  if (wanted("fold")) MeasureFold(platform, detector, dir);
  if (wanted("streams")) MeasureStreams(platform, detector, dir);
  if (wanted("reads")) MeasureReads(platform, detector, dir);
  detector.Stop();
  return 0;
}

}  // namespace
}  // namespace tokenwatch::load

int main(int argc, char** argv) { return tokenwatch::load::Main({argv + 1, argv + argc}); }

// Pricing as a whole process behind a detector: how quickly it folds a log and how soon a trade shows in a price. What
// it answers is measured by pricing/rpc/serving_bench.cc. TOKENWATCH_BENCH_TRADES changes the size of the log.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "chain/address.h"
#include "tests/load/bench_platform.h"
#include "tests/load/bench_report.h"
#include "tests/load/price_subscribers.h"
#include "tokenwatch/pricing/v1/pricing.grpc.pb.h"

namespace tokenwatch::load {
namespace {

namespace pb = ::tokenwatch::pricing::v1;
using pb::PricingService;

constexpr char kSol[] = "So11111111111111111111111111111111111111112";

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
std::vector<double> MeasureVisible(Reporter& reporter, PriceSubscribers& subscribers, uint64_t token, int trades,
                                   absl::Duration pace) {
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
  // One stream of the first part may still be known when the thousand of the second come.
  Pricing pricing(platform, detector, dir, {"--max_streams=1100"});
  pricing.AwaitFolded(detector.Status().trade_cursor());
  // One for both parts: its trades are numbered, and a number that comes again is a repeat.
  Reporter reporter(detector);
  {
    PriceSubscribers one(pricing.address(), Reporter::Token(1), 1, 0);
    std::vector<double> ms = MeasureVisible(reporter, one, 1, 3000, absl::Milliseconds(2));
    Report({"trade durable to price at a subscriber, p50", Quantile(ms, 0.5), "ms"});
    Report({"trade durable to price at a subscriber, p99", Quantile(ms, 0.99), "ms", "<= 100"});
  }
  {
    constexpr int kSubscribers = 1000;
    PriceSubscribers many(pricing.address(), Reporter::Token(2), kSubscribers - 1, 1);
    std::vector<double> ms = MeasureVisible(reporter, many, 2, 200, absl::Milliseconds(100));
    Report({"the same for 999 of 1,000 subscribers while one never reads, p99", Quantile(ms, 0.99), "ms", "<= 20"});
  }
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
  detector.Stop();
  return 0;
}

}  // namespace
}  // namespace tokenwatch::load

int main(int argc, char** argv) { return tokenwatch::load::Main({argv + 1, argv + argc}); }

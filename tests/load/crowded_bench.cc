// What the whole pricing process takes that has seen a million tokens, of which 50,000 are active; that this does not
// grow over many trades more shows pricing/fold/memory_bench.cc. The detector is a stand-in that makes the log while it
// is read. It makes trades no faster than the writer can follow: the active ones trade 70 times a second of event time,
// and a chunk of candles, two hours, must not pass sooner than it is written.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "pricing/testing/crowded_market.h"
#include "tests/load/bench_platform.h"
#include "tests/load/bench_report.h"
#include "tokenwatch/detector/v1/detector.grpc.pb.h"
#include "tokenwatch/pricing/v1/pricing.grpc.pb.h"

namespace tokenwatch::load {
namespace {

constexpr uint64_t kSeen = 1'000'000;
constexpr size_t kActive = 50'000;
constexpr size_t kWallets = 20'000;
constexpr int kBatch = 1000;
constexpr double kActiveTradesPerSecond = 60'000;

void ToProto(const pricing::Trade& trade, detector::v1::Trade* out) {
  out->set_cursor(trade.cursor);
  out->set_chain("solana");
  out->set_transaction(std::string(trade.transaction.text()));
  out->set_event_index(0);
  out->set_token(std::string(trade.token.address.text()));
  out->set_trader(std::string(trade.trader.text()));
  out->set_side(trade.is_buy ? detector::v1::TRADE_SIDE_BUY : detector::v1::TRADE_SIDE_SELL);
  out->set_venue(std::string(trade.venue.text()));
  out->set_quote_address(std::string(trade.quote.text()));
  out->set_token_amount(trade.token_amount.ToString());
  out->set_quote_amount(trade.quote_amount.ToString());
  out->set_virtual_token_reserve(trade.reserves->token.ToString());
  out->set_virtual_quote_reserve(trade.reserves->quote.ToString());
  out->set_real_quote_reserve(trade.pool_quote->ToString());
  out->mutable_event_time()->set_seconds(absl::ToUnixSeconds(trade.event_time));
  out->set_feed("bench");
}

// A detector whose log is made while it is read, once.
class MadeLog final : public detector::v1::DetectorService::Service {
 public:
  explicit MadeLog(uint64_t active_trades) : head_(3 * kSeen + active_trades) {
    market_.See(kSeen);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) Fail("the stand-in for the detector cannot listen");
  }
  ~MadeLog() override { server_->Shutdown(absl::ToChronoTime(absl::Now())); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }
  uint64_t head() const { return head_; }

  grpc::Status GetStatus(grpc::ServerContext*, const detector::v1::GetStatusRequest*,
                         detector::v1::GetStatusResponse* response) override {
    response->set_trade_cursor(head_);
    return grpc::Status::OK;
  }
  grpc::Status RegisterConsumer(grpc::ServerContext*, const detector::v1::RegisterConsumerRequest*,
                                detector::v1::RegisterConsumerResponse*) override {
    return grpc::Status::OK;
  }
  grpc::Status TailTrades(grpc::ServerContext* context, const detector::v1::TailTradesRequest* request,
                          grpc::ServerWriter<detector::v1::TailTradesResponse>* writer) override {
    // Whoever asks again, or for a part, has lost what is not to be lost here.
    if (request->after_cursor() != 0 || begun_.exchange(true)) {
      return {grpc::StatusCode::FAILED_PRECONDITION, "the made log is read once"};
    }
    detector::v1::TailTradesResponse response;
    absl::Time due = absl::InfinitePast();
    for (uint64_t made = 0; made < head_ && !context->IsCancelled();) {
      response.clear_trades();
      for (int i = 0; i < kBatch && made < head_; ++i, ++made) ToProto(market_.Next(), response.add_trades());
      response.set_cursor(made);
      if (!writer->Write(response)) break;
      if (made <= 3 * kSeen) continue;
      due = std::max(due, absl::Now()) + absl::Seconds(kBatch / kActiveTradesPerSecond);
      absl::SleepFor(due - absl::Now());
    }
    while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(20));
    return grpc::Status::CANCELLED;
  }

 private:
  const uint64_t head_;
  pricing::testing::CrowdedMarket market_{kActive, kWallets};
  std::atomic<bool> begun_{false};
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

int Main() {
  const common::TempDir dir;
  Platform platform;
  MadeLog log(Setting("TOKENWATCH_BENCH_TRADES", 3'000'000));
  Service pricing("tokenwatch-pricing", dir,
                  {absl::StrCat("--dsn=", platform.cluster().SocketDsn("platform", "pricing")),
                   "--detector=" + log.address(), "--providers=", "--flush_interval=1s"});
  const auto stub = pricing::v1::PricingService::NewStub(pricing.channel());
  const auto status = [&] {
    grpc::ClientContext context;
    pricing::v1::GetStatusResponse response;
    Must(stub->GetStatus(&context, {}, &response));
    return response;
  };
  double most_active = 0;
  for (auto now = status(); now.cursor() < log.head(); now = status()) {
    if (now.cursor() > 3 * kSeen) most_active = std::max(most_active, MemoryMb(pricing.pid(), "VmRSS:"));
    absl::SleepFor(absl::Milliseconds(200));
  }
  const auto after = status();
  std::fprintf(stderr, "%lld tokens in memory, %lld parked, %lld with rows; resident %.1f MB, %.1f at the peak\n",
               static_cast<long long>(after.hot_tokens()), static_cast<long long>(after.parked_tokens()),
               static_cast<long long>(after.persisted_tokens()), MemoryMb(pricing.pid(), "VmRSS:"),
               MemoryMb(pricing.pid(), "VmHWM:"));
  if (static_cast<uint64_t>(after.parked_tokens()) < kSeen || static_cast<size_t>(after.hot_tokens()) < kActive) {
    Fail("fewer tokens are parked or in memory than there should be");
  }
  Report({"pricing: resident with 1,000,000 tokens seen and 50,000 active", most_active, "MB", "<= 200"});
  Report({"pricing: resident at the peak of that", MemoryMb(pricing.pid(), "VmHWM:"), "MB", "<= 200"});
  pricing.Stop();
  return 0;
}

}  // namespace
}  // namespace tokenwatch::load

int main() { return tokenwatch::load::Main(); }

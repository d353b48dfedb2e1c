#include "tests/chaos/pricing_under_fault.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/testing/wait_for.h"
#include "tests/chaos/small_folds.h"

namespace tokenwatch::functional {
namespace {

using Pricing = pricing_pb::PricingService;

// Of each message between the detector and its database, so that the session takes some seconds.
constexpr absl::Duration kPace = absl::Milliseconds(3);
constexpr uint64_t kTrades = 5000;
constexpr uint64_t kLaunches = 150;

std::unique_ptr<common::TcpGate> GateTo(int port) {
  auto gate = common::TcpGate::Start(port);
  EXPECT_TRUE(gate.ok()) << gate.status();
  return gate.ok() ? *std::move(gate) : nullptr;
}

}  // namespace

void PricingUnderFault::SetUp() {
  ASSERT_TRUE(bed_.platform().ok());
  session_ = HoursOfTrades(kTrades, kLaunches);
  recording_ = WriteRecording(bed_.platform().dir() / "session.jsonl", session_.lines);
  common::PgCluster& cluster = bed_.platform().cluster();
  pace_ = GateTo(cluster.port());
  database_ = GateTo(cluster.port());
  ASSERT_TRUE(pace_ != nullptr && database_ != nullptr);
  pace_->Delay(kPace);
  ASSERT_TRUE(StartDetector());
  log_ = GateTo(bed_.detector().grpc_port());
  ASSERT_NE(log_, nullptr);
  pace_->Delay(kSlowPace);
  ASSERT_NO_FATAL_FAILURE(StartPricing());
  ASSERT_TRUE(AwaitWritten(1, absl::Seconds(20))) << pricing_->Log();
  pace_->Delay(kPace);
}

void PricingUnderFault::StartPricing() {
  const std::string dsn = bed_.platform().cluster().DsnThrough(database_->port(), "platform", "pricing");
  pricing_ = bed_.Start(SmallFolds({"--dsn=" + dsn}), "platform", absl::StrCat("127.0.0.1:", log_->port()));
  ASSERT_NE(pricing_, nullptr);
}

bool PricingUnderFault::StartDetector() {
  const std::string dsn = bed_.platform().cluster().DsnThrough(pace_->port(), "platform", "detector");
  return bed_.StartDetector(ReplayFlags(recording_, {"--dsn=" + dsn, "--commit_events=50", "--intake_queue=1"}));
}

void PricingUnderFault::ExpectUnderWay() {
  EXPECT_FALSE(bed_.platform().AwaitFrames(session_.lines.size(), "platform", absl::ZeroDuration()))
      << "the session was over before the fault";
}

void PricingUnderFault::ExpectServesFromMemory() {
  const auto hot =
      CallPricing(*PricingStubFor(*pricing_), &Pricing::Stub::ListHotTokens, pricing_pb::ListHotTokensRequest());
  ASSERT_GT(hot.tokens_size(), 0);
  EXPECT_NE(hot.tokens(0).price().quote_units(), "");
}

uint64_t PricingUnderFault::Written() {
  const auto value = bed_.platform().cluster().QueryValue("platform", "SELECT cursor FROM pricing.checkpoints");
  uint64_t cursor = 0;
  return value.ok() && absl::SimpleAtoi(*value, &cursor) ? cursor : 0;
}

bool PricingUnderFault::AwaitWritten(uint64_t cursor, absl::Duration limit) {
  return common::WaitFor([&] { return Written() >= cursor; }, limit);
}

void PricingUnderFault::ExpectRecovered() {
  pace_->Pass();
  Platform& platform = bed_.platform();
  ASSERT_TRUE(platform.AwaitFrames(session_.lines.size(), "platform", absl::Minutes(2))) << bed_.detector().Log();
  ASSERT_TRUE(bed_.AwaitFolded(*pricing_));
  ASSERT_TRUE(common::WaitFor([&] { return pricing_->IsReady(); }, absl::Seconds(60)))
      << pricing_->Http("/readyz") << pricing_->Log();
  const auto head = static_cast<uint64_t>(platform.Count("SELECT trade_cursor FROM detector.log_heads"));
  EXPECT_EQ(head, session_.truth.trades);
  ASSERT_TRUE(AwaitWritten(head, absl::Seconds(30))) << "it does not write any more\n" << pricing_->Log();

  const PricingStub stub = PricingStubFor(*pricing_);
  const auto newest = platform.cluster().Query(
      "platform",
      "SELECT token, virtual_quote_reserve FROM detector.trades ORDER BY event_time DESC, cursor DESC LIMIT 1");
  ASSERT_TRUE(newest.ok()) << newest.status();
  pricing_pb::GetPriceRequest price;
  price.mutable_token()->set_chain("solana");
  price.mutable_token()->set_address(newest->front()[0]);
  EXPECT_EQ(CallPricing(*stub, &Pricing::Stub::GetPrice, price).price().quote_units(), newest->front()[1]);
  // A token of which there are no trades, so that watching it changes no rows.
  pricing_pb::WatchTokenRequest watch;
  watch.mutable_token()->set_chain("solana");
  watch.mutable_token()->set_address("DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263");
  EXPECT_TRUE(CallPricing(*stub, &Pricing::Stub::WatchToken, watch).added());
  EXPECT_EQ(pricing_->Terminate(absl::Seconds(60)), 0) << pricing_->Log();

  platform.AddDatabase("undisturbed");
  ASSERT_NO_FATAL_FAILURE(bed_.FoldAll("undisturbed"));
  const Tables expected = bed_.Outcome("undisturbed");
  ASSERT_GT(expected.at("token_prices").size(), 20u);
  ASSERT_GT(expected.at("candles").size(), expected.at("token_prices").size());
  ExpectSameTables(expected, bed_.Outcome());
}

}  // namespace tokenwatch::functional

// What pricing takes from outside the log: recorded references, references and prices of providers, and wishes for a
// price that wait until a provider knows the token.
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/testing/wait_for.h"
#include "tests/fakes/fake_dexscreener.h"
#include "tests/functional/plain_lines.h"
#include "tests/functional/pricing_bed.h"

namespace tokenwatch::functional {
namespace {

using Pricing = pricing_pb::PricingService;
using ::testing::HasSubstr;

constexpr char kSol[] = "So11111111111111111111111111111111111111112";
// In no log.
constexpr char kElsewhere[] = "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263";

Session MakeSession() {
  sim::Options options;
  options.trades = 600;
  options.launches = 6;
  return Simulate(options);
}

std::string ReferenceLine(int64_t seconds, absl::string_view usd) {
  return absl::StrFormat(
      R"({"t":%d,"feed":"reference","raw":"{\"asset\":\"solana:%s\",\"usd\":\"%s\",\"source\":\"recorded\"}"})",
      seconds, kSol, usd);
}

class PricingUpstreamsTest : public ::testing::Test {
 protected:
  PricingUpstreamsTest() : bed_(MakeSession()) {}

  std::string WriteReferences(const std::vector<std::string>& lines) {
    const std::string path = bed_.platform().dir() / "references.jsonl";
    std::ofstream file(path);
    for (const std::string& line : lines) file << line << "\n";
    return path;
  }
  std::vector<std::string> AskDexScreener() {
    return {"--providers=dexscreener", absl::StrCat("--dexscreener_url=", dexscreener_.Url())};
  }
  std::string BusiestToken() {
    return bed_.platform().Value("SELECT token FROM detector.trades GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1");
  }
  static pricing_pb::GetPriceRequest Ask(const std::string& token) {
    pricing_pb::GetPriceRequest request;
    request.mutable_token()->set_chain("solana");
    request.mutable_token()->set_address(token);
    return request;
  }
  void AddPair(const std::string& token, const std::string& usd) {
    fakes::FakePair pair;
    pair.pair_address = "8sLbNZoA1cfnvMJLPfp98ZLAnFSYCFApfJKMbiXNLwxj";
    pair.base = {token, "Name", "SYM"};
    pair.price_usd = usd;
    dexscreener_.AddPair("solana", pair);
  }

  PricingBed bed_;
  fakes::FakeDexScreener dexscreener_;
};

TEST_F(PricingUpstreamsTest, RecordedReferencesPriceTheTradesOfTheirTime) {
  ASSERT_TRUE(bed_.ok());
  const int64_t first =
      bed_.platform().Count("SELECT floor(extract(epoch FROM min(event_time)))::bigint FROM detector.trades");
  const int64_t last =
      bed_.platform().Count("SELECT ceil(extract(epoch FROM max(event_time)))::bigint FROM detector.trades");
  std::vector<std::string> lines = {ReferenceLine(first - 1, "100.5")};
  // Later than every trade: it prices none of them.
  lines.push_back(ReferenceLine(last + 1, "999"));
  const auto pricing = bed_.Start({"--reference_file=" + WriteReferences(lines), "--reference_max_age=24h"});
  ASSERT_NE(pricing, nullptr);
  ASSERT_TRUE(bed_.AwaitFolded(*pricing));
  const PricingStub stub = PricingStubFor(*pricing);
  const pricing_pb::Price price = CallPricing(*stub, &Pricing::Stub::GetPrice, Ask(BusiestToken())).price();
  ASSERT_TRUE(price.has_price_usd()) << price.unknown_reason();
  EXPECT_DOUBLE_EQ(price.price_usd(), price.price() * 100.5);
  EXPECT_EQ(bed_.platform().Count("SELECT count(*) FROM pricing.reference_prices"), 2);
  EXPECT_EQ(pricing->Terminate(absl::Seconds(60)), 0) << pricing->Log();

  // The references stay when the file is gone.
  const auto again = bed_.Start({"--reference_max_age=24h"});
  ASSERT_NE(again, nullptr);
  ASSERT_TRUE(bed_.AwaitFolded(*again));
  const pricing_pb::Price same =
      CallPricing(*PricingStubFor(*again), &Pricing::Stub::GetPrice, Ask(BusiestToken())).price();
  EXPECT_DOUBLE_EQ(same.price_usd(), price.price_usd());
}

TEST_F(PricingUpstreamsTest, ABadReferenceIsAStartErrorWithItsLine) {
  ASSERT_TRUE(bed_.ok());
  const std::string path = WriteReferences({ReferenceLine(1, "100"), ReferenceLine(2, "-1")});
  const auto pricing = bed_.Launch({"--reference_file=" + path});
  ASSERT_NE(pricing, nullptr);
  EXPECT_EQ(pricing->process().Wait(absl::Seconds(30)), 64) << pricing->Log();
  EXPECT_THAT(pricing->Log(), HasSubstr("references.jsonl, line 2: "));
}

TEST_F(PricingUpstreamsTest, ReferencesAreAskedForAndStored) {
  ASSERT_TRUE(bed_.ok());
  AddPair(kSol, "151.25");
  std::vector<std::string> flags = AskDexScreener();
  flags.push_back("--reference_interval=1s");
  const auto pricing = bed_.Start(flags);
  ASSERT_NE(pricing, nullptr);
  EXPECT_TRUE(common::WaitFor(
      [&] {
        return bed_.platform().Count(
                   "SELECT count(*) FROM pricing.reference_prices WHERE usd = '151.25' AND source = "
                   "'dexscreener'") > 0;
      },
      absl::Seconds(20)))
      << pricing->Log();
  const auto status = CallPricing(*PricingStubFor(*pricing), &Pricing::Stub::GetStatus, pricing_pb::GetStatusRequest());
  ASSERT_EQ(status.references_size(), 1);
  EXPECT_EQ(status.references(0).price_usd(), "151.25");
}

TEST_F(PricingUpstreamsTest, AWishWaitsUntilAProviderKnowsTheToken) {
  ASSERT_TRUE(bed_.ok());
  const auto pricing = bed_.Start(AskDexScreener());
  ASSERT_NE(pricing, nullptr);
  const PricingStub stub = PricingStubFor(*pricing);
  pricing_pb::RequestPriceRequest request;
  request.set_request_id("wish-1");
  request.mutable_token()->set_chain("solana");
  request.mutable_token()->set_address(kElsewhere);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  const auto reader = stub->RequestPrice(&context, request);
  pricing_pb::RequestPriceResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.request().state(), pricing_pb::PRICE_REQUEST_STATE_WAITING);
  // It was asked for at once, in vain.
  ASSERT_TRUE(reader->Read(&response)) << pricing->Log();
  EXPECT_EQ(response.request().state(), pricing_pb::PRICE_REQUEST_STATE_WAITING);
  EXPECT_EQ(response.request().attempts(), 1);
  EXPECT_NE(response.request().reason(), "");

  AddPair(kElsewhere, "0.5");
  while (response.request().state() == pricing_pb::PRICE_REQUEST_STATE_WAITING && reader->Read(&response)) {
  }
  EXPECT_EQ(response.request().state(), pricing_pb::PRICE_REQUEST_STATE_ANSWERED) << pricing->Log();
  EXPECT_EQ(response.request().price().price_usd(), 0.5);
  EXPECT_FALSE(reader->Read(&response)) << "nothing follows an answer";
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(PricingUpstreamsTest, ProvidersThatAnswerLateDoNotHoldUpTheEnd) {
  ASSERT_TRUE(bed_.ok());
  dexscreener_.SetDelay(absl::Seconds(2));
  const auto pricing = bed_.Start(AskDexScreener());
  ASSERT_NE(pricing, nullptr);
  const PricingStub stub = PricingStubFor(*pricing);
  std::thread caller([&] {
    grpc::Status status;
    CallPricing(*stub, &Pricing::Stub::GetPrice, Ask(kElsewhere), &status);
    EXPECT_FALSE(status.ok());
  });
  EXPECT_TRUE(common::WaitFor([&] { return !dexscreener_.server().requests().empty(); }));
  const absl::Time began = absl::Now();
  EXPECT_EQ(pricing->Terminate(absl::Seconds(60)), 0) << pricing->Log();
  EXPECT_LT(absl::Now() - began, absl::Seconds(10));
  caller.join();
}

}  // namespace
}  // namespace tokenwatch::functional

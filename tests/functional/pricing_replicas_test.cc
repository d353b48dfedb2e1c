// Several replicas: each folds and answers, one writes, and another takes its place within five seconds.
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "common/testing/wait_for.h"
#include "tests/functional/pricing_bed.h"
#include "tests/functional/tables.h"

namespace tokenwatch::functional {
namespace {

using Pricing = pricing_pb::PricingService;

constexpr absl::Duration kReplacedWithin = absl::Seconds(5);

bool Writes(const Service& service) {
  grpc::Status status;
  const auto response =
      CallPricing(*PricingStubFor(service), &Pricing::Stub::GetStatus, pricing_pb::GetStatusRequest(), &status);
  return status.ok() && response.is_writer();
}

class PricingReplicasTest : public ::testing::Test {
 protected:
  PricingReplicasTest() : bed_(MakeSession()) {}
  static Session MakeSession() {
    sim::Options options;
    options.launches = 60;
    options.trades = 6000;
    options.trades_per_second = 2;
    return Simulate(options);
  }
  PricingBed bed_;
};

TEST_F(PricingReplicasTest, AWriterThatIsKilledIsReplacedAndNothingIsLost) {
  ASSERT_TRUE(bed_.ok());
  bed_.platform().AddDatabase("undisturbed");
  ASSERT_NO_FATAL_FAILURE(bed_.FoldAll("undisturbed"));

  const auto first = bed_.Start({"--flush_interval=100ms"});
  ASSERT_NE(first, nullptr);
  ASSERT_TRUE(common::WaitFor([&] { return Writes(*first); }));
  const auto second = bed_.Start({"--flush_interval=100ms"});
  ASSERT_NE(second, nullptr);
  ASSERT_TRUE(bed_.AwaitFolded(*first));
  ASSERT_TRUE(bed_.AwaitFolded(*second));
  EXPECT_FALSE(Writes(*second));

  const absl::Time killed = absl::Now();
  first->Kill();
  ASSERT_TRUE(common::WaitFor([&] { return Writes(*second); }, absl::Seconds(20)));
  EXPECT_LE(absl::Now() - killed, kReplacedWithin);
  EXPECT_EQ(second->Terminate(absl::Seconds(60)), 0) << second->Log();

  const Tables expected = DumpTables(bed_.platform().cluster(), "undisturbed", "pricing");
  const Tables found = DumpTables(bed_.platform().cluster(), "platform", "pricing");
  ExpectSameTables({{"token_prices", expected.at("token_prices")}, {"candles", expected.at("candles")}},
                   {{"token_prices", found.at("token_prices")}, {"candles", found.at("candles")}});
}

TEST_F(PricingReplicasTest, ARestartServesWhatWasFoldedBeforeIt) {
  ASSERT_TRUE(bed_.ok());
  ASSERT_NO_FATAL_FAILURE(bed_.FoldAll());
  const auto again = bed_.Start();
  ASSERT_NE(again, nullptr);
  ASSERT_TRUE(bed_.AwaitFolded(*again));
  const auto token = bed_.platform().Value("SELECT address FROM pricing.token_prices ORDER BY trades DESC LIMIT 1");
  pricing_pb::GetPriceRequest request;
  request.mutable_token()->set_chain("solana");
  request.mutable_token()->set_address(token);
  const auto response = CallPricing(*PricingStubFor(*again), &Pricing::Stub::GetPrice, request);
  EXPECT_EQ(response.price().quote_units(),
            bed_.platform().Value("SELECT last_quote_units FROM pricing.token_prices WHERE address = '" + token + "'"));
  // Nothing was folded twice.
  const auto rows = DumpTables(bed_.platform().cluster(), "platform", "pricing").at("token_prices");
  EXPECT_EQ(again->Terminate(absl::Seconds(60)), 0) << again->Log();
  EXPECT_EQ(DumpTables(bed_.platform().cluster(), "platform", "pricing").at("token_prices"), rows);
}

}  // namespace
}  // namespace tokenwatch::functional

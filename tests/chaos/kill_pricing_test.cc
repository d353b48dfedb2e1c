// kill -9 of pricing at random moments while it folds a simulated session: its rows, candles and checkpoint end where
// an undisturbed run's do, byte for byte. In each run the log comes through a gate that lets it in slowly, so that
// every kill finds the fold under way.
//
// Parameters come from the environment: CHAOS_KILLS, CHAOS_TRADES, CHAOS_LAUNCHES, CHAOS_SEED.
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/testing/tcp_gate.h"
#include "common/testing/wait_for.h"
#include "tests/chaos/parameters.h"
#include "tests/chaos/small_folds.h"
#include "tests/functional/pricing_bed.h"
#include "tests/functional/tables.h"

namespace tokenwatch::functional {
namespace {

TEST(KillPricingTest, KilledAtRandomMomentsItEndsWhereAnUndisturbedRunDoes) {
  const Session session = HoursOfTrades(ChaosParameter("CHAOS_TRADES", 20'000), ChaosParameter("CHAOS_LAUNCHES", 400),
                                        ChaosParameter("CHAOS_SEED", 1));
  const uint64_t kills = ChaosParameter("CHAOS_KILLS", 15);
  PricingBed bed(session);
  ASSERT_TRUE(bed.ok());
  bed.platform().AddDatabase("undisturbed");
  ASSERT_NO_FATAL_FAILURE(bed.FoldAll("undisturbed"));
  const Tables expected = bed.Outcome("undisturbed");
  ASSERT_GT(expected.at("token_prices").size(), 20u);
  ASSERT_GT(expected.at("candles").size(), expected.at("token_prices").size());

  const auto gate = common::TcpGate::Start(bed.detector().grpc_port());
  ASSERT_TRUE(gate.ok()) << gate.status();
  // Each life gets about its share of the log.
  constexpr absl::Duration kLife = absl::Milliseconds(250);
  (*gate)->Throttle(static_cast<int64_t>(static_cast<double>(session.truth.trades * kTradeBytes) /
                                         static_cast<double>(kills + 1) / absl::ToDoubleSeconds(kLife)));
  const std::vector<std::string> flags = SmallFolds();
  const std::string detector = absl::StrCat("127.0.0.1:", (*gate)->port());
  std::mt19937_64 random(ChaosParameter("CHAOS_SEED", 1));
  const auto folded = [&] {
    const auto value =
        bed.platform().cluster().QueryValue("platform", "SELECT COALESCE(max(cursor), 0) FROM pricing.checkpoints");
    return value.ok() ? std::stoull(*value) : 0;
  };
  uint64_t under_way = 0;
  for (uint64_t i = 0; i < kills; ++i) {
    const std::unique_ptr<Service> pricing = bed.Launch(flags, "platform", detector);
    ASSERT_NE(pricing, nullptr);
    // Most lives write something; some do not get that far.
    const uint64_t before = folded();
    if (random() % 4 != 0) common::WaitFor([&] { return folded() > before; }, absl::Seconds(10));
    absl::SleepFor(absl::Milliseconds(static_cast<int64_t>(random() % 200)));
    ASSERT_TRUE(pricing->process().running()) << "it ended by itself: " << pricing->Log();
    under_way += folded() < session.truth.trades ? 1 : 0;
    pricing->Kill();
  }
  std::printf("%llu of %llu kills found the fold under way\n", static_cast<unsigned long long>(under_way),
              static_cast<unsigned long long>(kills));
  EXPECT_GE(under_way, kills / 2) << "too few kills found anything to lose";
  (*gate)->Pass();
  const std::unique_ptr<Service> last = bed.Start(flags, "platform", detector);
  ASSERT_NE(last, nullptr);
  ASSERT_TRUE(bed.AwaitFolded(*last));
  EXPECT_EQ(last->Terminate(absl::Seconds(60)), 0) << last->Log();
  ExpectSameTables(expected, bed.Outcome());

  // What is parked shows after a restart: every series without a row, and no other.
  const std::unique_ptr<Service> again = bed.Start(flags, "platform", detector);
  ASSERT_NE(again, nullptr);
  ASSERT_TRUE(bed.AwaitFolded(*again));
  const auto status = CallPricing(*PricingStubFor(*again), &pricing_pb::PricingService::Stub::GetStatus,
                                  pricing_pb::GetStatusRequest());
  EXPECT_EQ(
      status.parked_tokens(),
      bed.platform().Count("SELECT count(*) FROM (SELECT DISTINCT token, quote_address FROM detector.trades EXCEPT "
                           "SELECT address, quote FROM pricing.token_prices) unkept"));
}

}  // namespace
}  // namespace tokenwatch::functional

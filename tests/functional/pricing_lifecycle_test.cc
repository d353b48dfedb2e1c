// Pricing from start to serving, and from SIGTERM to exit.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/testing/tcp_gate.h"
#include "common/testing/wait_for.h"
#include "tests/functional/pricing_bed.h"
#include "tests/functional/tables.h"

namespace tokenwatch::functional {
namespace {

using Pricing = pricing_pb::PricingService;
using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr absl::Duration kStartLimit = absl::Milliseconds(300);
constexpr int kStarts = 5;
constexpr absl::Duration kDrain = absl::Seconds(10);
// In no log.
constexpr char kElsewhere[] = "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263";
constexpr char kMarked[] = "SELECT address, is_partial FROM pricing.token_prices ORDER BY 1";
// What is measured is what is deployed: a sanitizer costs several times the time.
#ifdef NDEBUG
constexpr bool kIsRelease = true;
#else
constexpr bool kIsRelease = false;
#endif

Session MakeSession(uint64_t trades) {
  sim::Options options;
  options.launches = 200;
  options.trades = trades;
  options.trades_per_second = 5;
  options.failed_ppm = 0;
  return Simulate(options);
}

pricing_pb::GetStatusResponse StatusOf(const Service& pricing) {
  return CallPricing(*PricingStubFor(pricing), &Pricing::Stub::GetStatus, pricing_pb::GetStatusRequest());
}

// What a stream gave until it ended.
struct Ended {
  uint64_t messages = 0;
  uint64_t cursor = 0;
  grpc::Status status;
};

Ended ReadPrices(Pricing::Stub& stub, const pricing_pb::StreamPricesRequest& request) {
  Ended ended;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  const auto reader = stub.StreamPrices(&context, request);
  for (pricing_pb::StreamPricesResponse response; reader->Read(&response); ++ended.messages) {
    for (const auto& price : response.prices()) ended.cursor = std::max(ended.cursor, price.cursor());
  }
  ended.status = reader->Finish();
  return ended;
}

Ended ReadWish(Pricing::Stub& stub) {
  pricing_pb::RequestPriceRequest request;
  request.set_request_id("wish-1");
  request.mutable_token()->set_chain("solana");
  request.mutable_token()->set_address(kElsewhere);
  Ended ended;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  const auto reader = stub.RequestPrice(&context, request);
  for (pricing_pb::RequestPriceResponse response; reader->Read(&response);) ++ended.messages;
  ended.status = reader->Finish();
  return ended;
}

TEST(PricingLifecycleTest, ServesSoonAfterItsStartOnAMigratedDatabase) {
  PricingBed bed(MakeSession(5000));
  ASSERT_TRUE(bed.ok());
  ASSERT_NO_FATAL_FAILURE(bed.FoldAll());
  absl::Duration best = absl::InfiniteDuration();
  for (int i = 0; i < kStarts; ++i) {
    const absl::Time start = absl::Now();
    const auto pricing = bed.Start();
    const absl::Duration took = absl::Now() - start;
    ASSERT_NE(pricing, nullptr);
    best = std::min(best, took);
    EXPECT_EQ(pricing->Terminate(), 0) << pricing->Log();
  }
  std::printf("start to serving, best of %d: %s\n", kStarts, absl::FormatDuration(best).c_str());
  RecordProperty("best_ms", static_cast<int>(absl::ToInt64Milliseconds(best)));
  if (kIsRelease) {
    EXPECT_LE(best, kStartLimit);
  }
}

TEST(PricingLifecycleTest, TermUnderLoadExitsInTimeAndLosesNothing) {
  PricingBed bed;
  Platform& platform = bed.platform();
  ASSERT_TRUE(platform.ok());
  const Session session = MakeSession(30'000);
  const std::string recording = WriteRecording(platform.dir() / "session.jsonl", session.lines);
  // The log grows so slowly that the end comes while it does.
  const auto pace = common::TcpGate::Start(platform.cluster().port());
  ASSERT_TRUE(pace.ok()) << pace.status();
  (*pace)->Delay(absl::Milliseconds(3));
  const std::string dsn = "--dsn=" + platform.cluster().DsnThrough((*pace)->port(), "platform", "detector");
  ASSERT_TRUE(bed.StartDetector(ReplayFlags(recording, {dsn, "--commit_events=100", "--intake_queue=1"})));
  // Nothing is written on the way, so that what is there in the end depends on the drain.
  const auto pricing = bed.Start({"--flush_interval=1h", "--drain_deadline=10s"});
  ASSERT_NE(pricing, nullptr);
  const PricingStub stub = PricingStubFor(*pricing);
  ASSERT_TRUE(common::WaitFor([&] { return StatusOf(*pricing).cursor() > 1000; }));

  pricing_pb::StreamPricesRequest named;
  named.set_with_present(true);
  const auto tokens =
      platform.cluster().Query("platform", "SELECT DISTINCT token FROM detector.trades WHERE cursor <= 1000 LIMIT 20");
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  for (const auto& row : *tokens) {
    auto* token = named.add_tokens();
    token->set_chain("solana");
    token->set_address(row[0]);
  }
  Ended all_prices;
  Ended some_prices;
  Ended wish;
  std::vector<std::thread> readers;
  readers.emplace_back([&] { all_prices = ReadPrices(*stub, pricing_pb::StreamPricesRequest()); });
  readers.emplace_back([&] { some_prices = ReadPrices(*stub, named); });
  readers.emplace_back([&] { wish = ReadWish(*stub); });
  std::atomic<bool> calling{true};
  std::atomic<uint64_t> answered{0};
  std::thread caller([&] {
    pricing_pb::GetPriceRequest request;
    *request.mutable_token() = named.tokens(0);
    while (calling) {
      grpc::Status status;
      CallPricing(*stub, &Pricing::Stub::GetPrice, request, &status);
      // gRPC cancels what reaches a server that is shutting down before it was matched to a method.
      EXPECT_THAT(status.error_code(),
                  AnyOf(grpc::StatusCode::OK, grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::CANCELLED))
          << status.error_message();
      if (status.ok()) ++answered;
    }
  });
  ASSERT_TRUE(common::WaitFor([&] { return answered > 10 && StatusOf(*pricing).cursor() > 5000; }, absl::Seconds(30)));
  const uint64_t folded = StatusOf(*pricing).cursor();
  EXPECT_FALSE(platform.AwaitFrames(session.lines.size(), "platform", absl::ZeroDuration())) << "there is no load";
  // But for what its first look, right after the start, may have found.
  EXPECT_LT(static_cast<uint64_t>(platform.Count("SELECT redo_cursor FROM pricing.checkpoints")), folded);

  const absl::Time term = absl::Now();
  EXPECT_EQ(pricing->Terminate(absl::Seconds(30)), 0) << pricing->Log();
  const absl::Duration took = absl::Now() - term;
  calling = false;
  caller.join();
  for (std::thread& reader : readers) reader.join();
  EXPECT_LE(took, kDrain);
  std::printf("SIGTERM to exit: %s\n", absl::FormatDuration(took).c_str());
  for (const Ended* ended : {&all_prices, &some_prices, &wish}) {
    EXPECT_GT(ended->messages, 0u);
    EXPECT_EQ(ended->status.error_code(), grpc::StatusCode::UNAVAILABLE) << ended->status.error_message();
    EXPECT_EQ(ended->status.error_message(), "the service is stopping");
  }
  // Everything that was folded, and shown, is written.
  const auto written = static_cast<uint64_t>(platform.Count("SELECT cursor FROM pricing.checkpoints"));
  EXPECT_GE(written, folded);
  EXPECT_GE(written, all_prices.cursor);
  EXPECT_EQ(platform.Count("SELECT redo_cursor FROM pricing.checkpoints"), static_cast<int64_t>(written));

  // The next process folds the rest and nothing again.
  (*pace)->Pass();
  const auto next = bed.Start();
  ASSERT_NE(next, nullptr);
  ASSERT_TRUE(platform.AwaitFrames(session.lines.size()));
  ASSERT_TRUE(bed.AwaitFolded(*next));
  EXPECT_EQ(static_cast<uint64_t>(StatusOf(*next).trades_folded()), session.truth.trades - written);
  EXPECT_THAT(next->Http("/metrics"), HasSubstr("\npricing_trades_repeated_total 0\n"));
  // The wish was stored and waits on.
  const auto wishes =
      CallPricing(*PricingStubFor(*next), &Pricing::Stub::ListPriceRequests, pricing_pb::ListPriceRequestsRequest());
  ASSERT_EQ(wishes.requests_size(), 1);
  EXPECT_EQ(wishes.requests(0).state(), pricing_pb::PRICE_REQUEST_STATE_WAITING);
  EXPECT_EQ(next->Terminate(absl::Seconds(60)), 0) << next->Log();
  platform.AddDatabase("undisturbed");
  ASSERT_NO_FATAL_FAILURE(bed.FoldAll("undisturbed"));
  ExpectSameTables(bed.Outcome("undisturbed"), bed.Outcome());
}

TEST(PricingLifecycleTest, TermWhileTheDatabaseIsAwayExitsInTimeAndTheLogIsFoldedAgain) {
  PricingBed bed(MakeSession(5000));
  ASSERT_TRUE(bed.ok());
  Platform& platform = bed.platform();
  const auto pricing = bed.Start({"--flush_interval=1h", "--drain_deadline=5s"});
  ASSERT_NE(pricing, nullptr);
  ASSERT_TRUE(bed.AwaitFolded(*pricing));
  ASSERT_TRUE(platform.cluster().Stop().ok());
  const absl::Time term = absl::Now();
  EXPECT_EQ(pricing->Terminate(absl::Seconds(30)), 0) << pricing->Log();
  EXPECT_LE(absl::Now() - term, absl::Seconds(5));
  ASSERT_TRUE(platform.cluster().StartAgain().ok());
  EXPECT_LT(platform.Count("SELECT redo_cursor FROM pricing.checkpoints"),
            platform.Count("SELECT trade_cursor FROM detector.log_heads"))
      << "there was nothing left to write";

  ASSERT_TRUE(common::WaitFor([&] { return bed.detector().IsReady(); }, absl::Seconds(30)));
  ASSERT_NO_FATAL_FAILURE(bed.FoldAll());
  platform.AddDatabase("undisturbed");
  ASSERT_NO_FATAL_FAILURE(bed.FoldAll("undisturbed"));
  ExpectSameTables(bed.Outcome("undisturbed"), bed.Outcome());
}

TEST(PricingLifecycleTest, TermWhileItWaitsForTheDatabaseExitsAtOnce) {
  PricingBed bed(MakeSession(200));
  ASSERT_TRUE(bed.ok());
  ASSERT_TRUE(bed.platform().cluster().Stop().ok());
  const auto pricing = bed.Launch();
  ASSERT_NE(pricing, nullptr);
  ASSERT_TRUE(common::WaitFor([&] {
    pricing->FindPorts();
    return pricing->Http("/readyz").find("database: ") != std::string::npos;
  }));
  EXPECT_EQ(pricing->Terminate(absl::Seconds(10)), 0) << pricing->Log();
}

TEST(PricingLifecycleTest, AFirstStartOverALogThatLostItsBeginningSaysWhichSeriesMayLackTrades) {
  sim::Options options;
  options.launches = 60;
  options.trades = 5000;
  options.trades_per_second = 1;
  options.failed_ppm = 0;
  // Midnight, where a partition of the log ends and the next begins, is in the middle.
  options.start_s = 1'783'209'600 - 2500;
  PricingBed bed(Simulate(options));
  ASSERT_TRUE(bed.ok());
  Platform& platform = bed.platform();
  // As retention does.
  ASSERT_TRUE(platform.cluster().Query("platform", "DROP TABLE detector.trades_p20260704").ok());
  const std::string began = "(SELECT event_time FROM detector.trades ORDER BY cursor LIMIT 1)";
  ASSERT_GT(platform.Count("SELECT min(cursor) FROM detector.trades"), 1);
  const auto expected = platform.cluster().Query(
      "platform", "SELECT token, first_seen_at < " + began +
                      " FROM (SELECT token FROM detector.trades GROUP BY 1 HAVING count(*) >= 10) traded JOIN (SELECT "
                      "address, first_seen_at FROM detector.detected_tokens UNION ALL SELECT address, first_seen_at "
                      "FROM detector.pending_tokens) registry ON address = token ORDER BY 1");
  ASSERT_TRUE(expected.ok()) << expected.status();
  const auto marked = [&] { return *platform.cluster().Query("platform", kMarked); };

  ASSERT_NO_FATAL_FAILURE(bed.FoldAll());
  EXPECT_EQ(marked(), *expected);
  for (const char* mark : {"t", "f"}) {
    EXPECT_GT(std::count_if(expected->begin(), expected->end(), [&](const auto& row) { return row[1] == mark; }), 0)
        << "the session has no token marked " << mark;
  }
  EXPECT_EQ(platform.Value("SELECT log_began = " + began + " FROM pricing.checkpoints"), "t");
  // A restart changes nothing of it.
  ASSERT_NO_FATAL_FAILURE(bed.FoldAll());
  EXPECT_EQ(marked(), *expected);
  EXPECT_EQ(platform.Value("SELECT log_began = " + began + " FROM pricing.checkpoints"), "t");
}

}  // namespace
}  // namespace tokenwatch::functional

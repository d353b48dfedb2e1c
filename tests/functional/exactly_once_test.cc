// Three feeds that tell of the same session end in exactly what happened in it.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/functional/harness.h"
#include "tests/functional/recordings.h"
#include "tests/functional/streams.h"
#include "tests/functional/tables.h"

namespace tokenwatch::functional {
namespace {

constexpr int kTradesPerReport = 500;
constexpr char kTokensInBoth[] =
    "SELECT count(*) FROM detector.detected_tokens JOIN detector.pending_tokens USING (chain, address)";

class ExactlyOnceTest : public ::testing::Test {
 protected:
  ExactlyOnceTest() {
    sim::Options options;
    options.launches = 200;
    options.trades = 6000;
    options.wallets = 300;
    options.pumpportal_feed = true;
    options.pumpportal_trades = true;
    session_ = Simulate(options);
    recording_ = WriteRecording(platform_.dir() / "session.jsonl", session_.lines);
  }

  // What a further feeder would report: the trades as an undisturbed run logged them.
  std::vector<pb::Trade> TradesOfUndisturbedRun() {
    platform_.AddDatabase("undisturbed");
    const auto detector = platform_.StartDetector(ReplayFlags(recording_), "undisturbed");
    if (detector == nullptr) return {};
    EXPECT_TRUE(platform_.AwaitFrames(session_.lines.size(), "undisturbed"));
    return AllTrades(*StubFor(*detector)).trades;
  }

  // Sends all trades; accepted and duplicates.
  static std::pair<int64_t, int64_t> Report(pb::DetectorService::Stub& stub, const std::vector<pb::Trade>& trades) {
    std::pair<int64_t, int64_t> sums;
    for (size_t i = 0; i < trades.size(); i += kTradesPerReport) {
      pb::ReportTradesRequest request;
      request.set_feeder("elsewhere");
      for (size_t j = i; j < std::min(trades.size(), i + kTradesPerReport); ++j) *request.add_trades() = trades[j];
      const auto response = Call(stub, &pb::DetectorService::Stub::ReportTrades, request);
      sums.first += response.accepted();
      sums.second += response.duplicates();
    }
    return sums;
  }

  void ExpectTheTruth(absl::string_view database = "platform") {
    const sim::Truth& truth = session_.truth;
    const auto count = [&](const char* sql) { return static_cast<uint64_t>(platform_.Count(sql, database)); };
    EXPECT_EQ(count("SELECT count(*) FROM detector.trades"), truth.trades);
    EXPECT_EQ(count("SELECT count(DISTINCT (transaction, token, side, token_amount, event_index)) FROM "
                    "detector.trades"),
              truth.trades);
    EXPECT_EQ(count("SELECT count(*) FROM detector.trades WHERE side = 1"), truth.buys);
    EXPECT_EQ(count("SELECT count(*) FROM detector.trades WHERE side = 2"), truth.sells);
    EXPECT_EQ(count("SELECT count(*) FROM detector.detected_tokens WHERE venue = 'pump'"), truth.any_feed.named);
    EXPECT_EQ(count("SELECT count(*) FROM detector.pending_tokens WHERE venue = 'pump'"), truth.any_feed.nameless);
    EXPECT_EQ(count("SELECT count(*) FROM detector.token_events WHERE kind = 'launched' AND token->>'venue' = 'pump'"),
              truth.any_feed.launches);
    EXPECT_EQ(count("SELECT count(DISTINCT address) FROM detector.token_events WHERE kind = 'migrated'"),
              truth.any_feed_migrations);
    EXPECT_EQ(count("SELECT count(*) FROM detector.token_events WHERE kind = 'migrated'"), truth.any_feed_migrations);
    EXPECT_EQ(count("SELECT max(n) FROM (SELECT count(*) n FROM detector.token_events WHERE kind <> 'updated' GROUP BY "
                    "chain, address, kind) k"),
              1u);
    EXPECT_EQ(count(kTokensInBoth), 0u);
  }

  Platform platform_;
  Session session_;
  std::string recording_;
};

TEST_F(ExactlyOnceTest, OneInterleavedRecordingGivesTheTruth) {
  ASSERT_TRUE(platform_.ok());
  platform_.Replay(recording_);
  ExpectTheTruth();
}

TEST_F(ExactlyOnceTest, ThreeOverlappingFeedsGiveTheTruth) {
  ASSERT_TRUE(platform_.ok());
  const std::vector<pb::Trade> trades = TradesOfUndisturbedRun();
  ASSERT_EQ(trades.size(), session_.truth.trades);

  // A window far smaller than the session: most repeats must be found in the log itself.
  const std::vector<std::string> small = {"--window_trades=500", "--commit_events=300"};
  auto detector = platform_.StartDetector(ReplayFlags(recording_, small));
  ASSERT_NE(detector, nullptr);
  const DetectorStub stub = StubFor(*detector);
  const auto [accepted, duplicates] = Report(*stub, trades);
  EXPECT_EQ(accepted + duplicates, static_cast<int64_t>(trades.size()));
  ASSERT_TRUE(platform_.AwaitFrames(session_.lines.size()));
  ExpectTheTruth();
  EXPECT_EQ(Report(*stub, trades), (std::pair<int64_t, int64_t>(0, trades.size()))) << "a re-sent batch is new";

  // The same frames as another file: its position starts at zero.
  const Tables before = DumpTables(platform_.cluster(), "platform");
  EXPECT_EQ(detector->Terminate(), 0);
  std::vector<std::string> lines = session_.lines;
  lines.insert(lines.begin(),
               R"({"t":1783165101.000000,"feed":"solana","raw":"{\"jsonrpc\":\"2.0\",\"result\":7,\"id\":1}"})");
  platform_.Replay(WriteRecording(platform_.dir() / "again.jsonl", lines), "platform", small);
  Tables after = DumpTables(platform_.cluster(), "platform");
  EXPECT_EQ(after["feed_positions"].size(), 2u);
  EXPECT_EQ(after["trades"], before.at("trades"));
  EXPECT_EQ(after["token_events"], before.at("token_events"));
  EXPECT_EQ(after["detected_tokens"], before.at("detected_tokens"));
  EXPECT_EQ(after["pending_tokens"], before.at("pending_tokens"));
  ExpectTheTruth();
}

TEST_F(ExactlyOnceTest, ATokenIsInExactlyOneTableWhileFeedsRun) {
  ASSERT_TRUE(platform_.ok());
  auto detector = platform_.StartDetector(ReplayFlags(recording_, {"--commit_events=50", "--intake_queue=1"}));
  ASSERT_NE(detector, nullptr);
  // One statement sees one state of the database: every token with an event is in one table, none in both.
  constexpr char kMisplaced[] =
      "SELECT (SELECT count(*) FROM detector.detected_tokens JOIN detector.pending_tokens USING (chain, address)) + "
      "(SELECT count(*) FROM (SELECT DISTINCT chain, address FROM detector.token_events) e LEFT JOIN "
      "detector.detected_tokens d USING (chain, address) LEFT JOIN detector.pending_tokens p USING (chain, address) "
      "WHERE d.name IS NULL AND p.name IS NULL)";
  int looks = 0;
  bool done = false;
  while (!done) {
    done = platform_.AwaitFrames(session_.lines.size(), "platform", absl::ZeroDuration());
    ASSERT_EQ(platform_.Count(kMisplaced), 0);
    ASSERT_LT(++looks, 100'000) << detector->Log();
  }
  RecordProperty("looks", looks);
  ExpectTheTruth();
}

TEST_F(ExactlyOnceTest, ReportedLaunchesAreNewOnce) {
  ASSERT_TRUE(platform_.ok());
  auto detector = platform_.StartDetector();
  ASSERT_NE(detector, nullptr);
  const DetectorStub stub = StubFor(*detector);
  pb::ReportTokensRequest request;
  request.set_feeder("elsewhere");
  pb::LaunchReport& launch = *request.add_launches();
  launch.mutable_token()->set_chain("solana");
  launch.mutable_token()->set_address("DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263");
  launch.set_name("Reported");
  launch.set_symbol("RPT");
  launch.set_venue("pump");
  launch.set_transaction("2nBhEBYYvfaAe16UMNqRHre4YNSskvuYgx3M6E4JP1oDYvZEJHvoPzyUidNgNX5r9sTyN1J9UxtbCXy2rqYcuyuv");
  launch.mutable_event_time()->set_seconds(1'783'165'101);
  auto first = Call(*stub, &pb::DetectorService::Stub::ReportTokens, request);
  EXPECT_EQ(first.accepted(), 1);
  EXPECT_EQ(first.duplicates(), 0);
  auto second = Call(*stub, &pb::DetectorService::Stub::ReportTokens, request);
  EXPECT_EQ(second.accepted(), 0);
  EXPECT_EQ(second.duplicates(), 1);
  EXPECT_EQ(platform_.Value("SELECT name || ' ' || feeds FROM detector.detected_tokens"), "Reported elsewhere");
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM detector.token_events"), 1);
}

}  // namespace
}  // namespace tokenwatch::functional

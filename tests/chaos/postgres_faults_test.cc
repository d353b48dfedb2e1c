// PostgreSQL killed, cut off, delayed and throttled while a session is written: each test ends with proof that the
// service serves again and that nothing was lost or written twice.
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "common/testing/tcp_gate.h"
#include "common/testing/wait_for.h"
#include "tests/functional/harness.h"
#include "tests/functional/recordings.h"
#include "tests/functional/streams.h"
#include "tests/functional/tables.h"

namespace tokenwatch::functional {
namespace {

class PostgresFaultsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(platform_.ok());
    sim::Options options;
    options.launches = 100;
    options.trades = 5000;
    options.pumpportal_feed = true;
    session_ = Simulate(options);
    recording_ = WriteRecording(platform_.dir() / "session.jsonl", session_.lines);
    platform_.AddDatabase("undisturbed");
    platform_.Replay(recording_, "undisturbed");
    expected_ = DumpTables(platform_.cluster(), "undisturbed");
    ASSERT_EQ(expected_.at("trades").size(), session_.truth.trades);
    auto gate = common::TcpGate::Start(platform_.cluster().port());
    ASSERT_TRUE(gate.ok()) << gate.status();
    gate_ = *std::move(gate);
    // Slow enough that a fault finds the session under way.
    gate_->Delay(kPace);
    const std::string dsn = platform_.cluster().DsnThrough(gate_->port(), "platform", "detector");
    detector_ = platform_.StartDetectorAt(dsn, ReplayFlags(recording_, {"--commit_events=50", "--intake_queue=1"}));
    ASSERT_NE(detector_, nullptr);
    ASSERT_TRUE(platform_.AwaitFrames(100));
  }

  void ExpectUnderWay() {
    EXPECT_FALSE(platform_.AwaitFrames(session_.lines.size(), "platform", absl::ZeroDuration()))
        << "the session was over before the fault";
  }

  void ExpectRecovered() {
    ASSERT_TRUE(platform_.AwaitFrames(session_.lines.size(), "platform", absl::Minutes(2))) << detector_->Log();
    ASSERT_TRUE(common::WaitFor([&] { return detector_->IsReady(); }, absl::Seconds(30)));
    ExpectSameTables(expected_, DumpTables(platform_.cluster(), "platform"));
    // Reads and writes are served: the log can be read to its head, and a further trade enters it.
    const DetectorStub stub = StubFor(*detector_);
    const ReadTrades read = AllTrades(*stub);
    EXPECT_EQ(read.trades.size(), session_.truth.trades);
    EXPECT_TRUE(AreConsecutive(read.trades));
    pb::ReportTradesRequest report;
    report.set_feeder("elsewhere");
    *report.add_trades() = read.trades.back();
    report.mutable_trades(0)->set_event_index(999'999);
    EXPECT_EQ(Call(*stub, &pb::DetectorService::Stub::ReportTrades, report).accepted(), 1);
    EXPECT_EQ(detector_->Terminate(), 0) << detector_->Log();
  }

  static constexpr absl::Duration kPace = absl::Milliseconds(1);
  Platform platform_;
  Session session_;
  std::string recording_;
  Tables expected_;
  std::unique_ptr<common::TcpGate> gate_;
  std::unique_ptr<Service> detector_;
};

TEST_F(PostgresFaultsTest, KilledAndRestarted) {
  for (int i = 0; i < 2; ++i) {
    ExpectUnderWay();
    platform_.cluster().KillHard();
    EXPECT_TRUE(common::WaitFor([&] { return !detector_->IsReady(); }));
    ASSERT_TRUE(platform_.cluster().StartAgain().ok());
    EXPECT_TRUE(common::WaitFor([&] { return detector_->IsReady(); }, absl::Seconds(30)));
  }
  gate_->Pass();
  ExpectRecovered();
}

TEST_F(PostgresFaultsTest, StoppedForAWhile) {
  ExpectUnderWay();
  ASSERT_TRUE(platform_.cluster().Stop().ok());
  EXPECT_TRUE(common::WaitFor([&] { return !detector_->IsReady(); }));
  EXPECT_THAT(detector_->Http("/healthz"), ::testing::HasSubstr(" 200 "));
  ASSERT_TRUE(platform_.cluster().StartAgain().ok());
  gate_->Pass();
  ExpectRecovered();
}

TEST_F(PostgresFaultsTest, ConnectionsCutAgainAndAgain) {
  for (int i = 0; i < 5; ++i) {
    ExpectUnderWay();
    gate_->CloseAll();
    absl::SleepFor(absl::Milliseconds(50));
  }
  gate_->Pass();
  ExpectRecovered();
}

TEST_F(PostgresFaultsTest, ConnectionsCutInTheMiddleOfACommit) {
  ExpectUnderWay();
  // Sizes that share no factor with those of rows: cuts fall into copies, commits and answers.
  for (const int64_t bytes : {1'009, 10'007, 30'011, 70'001, 5'003, 211, 47'017}) {
    gate_->CutAfter(bytes);
    const int64_t before = gate_->bytes_passed();
    common::WaitFor([&] { return gate_->bytes_passed() >= before + bytes; });
  }
  ExpectRecovered();
}

TEST_F(PostgresFaultsTest, ConnectionsRefused) {
  ExpectUnderWay();
  gate_->Refuse();
  EXPECT_TRUE(common::WaitFor([&] { return !detector_->IsReady(); }));
  gate_->Pass();
  ExpectRecovered();
}

TEST_F(PostgresFaultsTest, Delayed) {
  ExpectUnderWay();
  gate_->Delay(absl::Milliseconds(50));
  absl::SleepFor(absl::Seconds(2));
  EXPECT_TRUE(detector_->IsReady()) << "slow is not broken";
  gate_->Pass();
  ExpectRecovered();
}

TEST_F(PostgresFaultsTest, Throttled) {
  ExpectUnderWay();
  gate_->Throttle(400'000);
  ExpectRecovered();
}

TEST_F(PostgresFaultsTest, SilentThenBack) {
  ExpectUnderWay();
  gate_->Stall();
  absl::SleepFor(absl::Seconds(2));
  gate_->Pass();
  ExpectRecovered();
}

TEST_F(PostgresFaultsTest, SilentForGoodOnTheOldConnections) {
  ExpectUnderWay();
  gate_->Stall();
  // Longer than any statement may take: the writer must give its connection up and not wait for ever.
  EXPECT_TRUE(common::WaitFor([&] { return !detector_->IsReady(); }, absl::Seconds(40)));
  gate_->CloseAll();
  gate_->Pass();
  ExpectRecovered();
}

}  // namespace
}  // namespace tokenwatch::functional

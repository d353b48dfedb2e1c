// A disk that is full and a recording that is cut: said in one clear line, and nothing is lost.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/testing/wait_for.h"
#include "tests/fakes/fake_websocket_server.h"
#include "tests/functional/harness.h"
#include "tests/functional/recordings.h"
#include "tests/functional/small_disk.h"
#include "tests/functional/streams.h"
#include "tests/functional/tables.h"

namespace tokenwatch::functional {
namespace {

using ::testing::HasSubstr;

constexpr int kIo = 74;

class DamageTest : public ::testing::Test {
 protected:
  DamageTest() {
    sim::Options options;
    options.launches = 100;
    options.trades = 20'000;
    session_ = Simulate(options);
  }
  uint64_t Trades(absl::string_view database = "platform") {
    return static_cast<uint64_t>(platform_.Count("SELECT count(*) FROM detector.trades", database));
  }

  Platform platform_;
  Session session_;
};

TEST_F(DamageTest, ACutGzipIsReportedAndNothingBeforeTheCutIsLost) {
  ASSERT_TRUE(platform_.ok());
  const std::string whole = WriteRecording(platform_.dir() / "whole.jsonl.gz", session_.lines);
  const std::string cut = platform_.dir() / "cut.jsonl.gz";
  std::filesystem::copy(whole, cut);
  std::filesystem::resize_file(cut, std::filesystem::file_size(cut) / 2);

  const std::string dsn = "--dsn=" + platform_.cluster().Dsn("platform", "detector");
  const Ending ending = platform_.RunDetector(ReplayFlags(cut, {dsn, "--exit_after_recording", "--drain_grace=0s"}));
  EXPECT_EQ(ending.code, kIo) << ending.errors;
  EXPECT_THAT(ending.errors, HasSubstr("damaged or cut after line "));
  const uint64_t before = Trades();
  EXPECT_GT(before, session_.truth.trades / 4);
  EXPECT_LT(before, session_.truth.trades);

  // The whole file adds the rest and nothing twice.
  platform_.Replay(whole);
  EXPECT_EQ(Trades(), session_.truth.trades);
  platform_.AddDatabase("undisturbed");
  platform_.Replay(whole, "undisturbed");
  Tables expected = DumpTables(platform_.cluster(), "undisturbed");
  Tables actual = DumpTables(platform_.cluster(), "platform");
  expected.erase("feed_positions");
  actual.erase("feed_positions");
  ExpectSameTables(expected, actual);
}

TEST_F(DamageTest, ACutGzipLeavesTheServiceServing) {
  ASSERT_TRUE(platform_.ok());
  const std::string cut = WriteRecording(platform_.dir() / "cut.jsonl.gz", session_.lines);
  std::filesystem::resize_file(cut, std::filesystem::file_size(cut) / 2);
  const auto detector = platform_.StartDetector(ReplayFlags(cut));
  ASSERT_NE(detector, nullptr);
  const DetectorStub stub = StubFor(*detector);
  pb::GetStatusResponse status;
  EXPECT_TRUE(common::WaitFor([&] {
    status = Call(*stub, &pb::DetectorService::Stub::GetStatus, pb::GetStatusRequest());
    return std::any_of(status.feeds().begin(), status.feeds().end(),
                       [](const pb::FeedStatus& feed) { return feed.state() == "failed"; });
  })) << status.ShortDebugString();
  EXPECT_TRUE(detector->IsReady());
  EXPECT_GT(AllTrades(*stub).trades.size(), 0u);
}

TEST_F(DamageTest, AFullDatabaseDiskLosesNothing) {
  ASSERT_TRUE(platform_.ok());
  SmallDisk disk(platform_.dir() / "disk", "12m");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small disk is not permitted here: " << disk.why_not();
  std::filesystem::permissions(platform_.dir(), std::filesystem::perms::all);
  common::PgCluster& cluster = platform_.cluster();
  ASSERT_TRUE(
      cluster.Query("postgres", absl::StrCat("CREATE TABLESPACE small LOCATION '", disk.path().string(), "'")).ok());
  platform_.AddDatabase("small");
  ASSERT_TRUE(cluster.Query("postgres", "ALTER DATABASE small SET TABLESPACE small").ok());

  const auto detector =
      platform_.StartDetector(ReplayFlags(WriteRecording(platform_.dir() / "session.jsonl", session_.lines)), "small");
  ASSERT_NE(detector, nullptr);
  EXPECT_TRUE(
      common::WaitFor([&] { return absl::StrContains(detector->Log(), "No space left on device"); }, absl::Seconds(30)))
      << detector->Log();
  EXPECT_TRUE(common::WaitFor([&] { return !detector->IsReady(); }));
  EXPECT_THAT(detector->Http("/readyz"), HasSubstr("log: "));
  EXPECT_LT(Trades("small"), session_.truth.trades);
  // What is there can still be read.
  EXPECT_EQ(AllTrades(*StubFor(*detector)).trades.size(), Trades("small"));

  ASSERT_TRUE(disk.Resize("64m")) << std::strerror(errno);
  EXPECT_TRUE(platform_.AwaitFrames(session_.lines.size(), "small"));
  EXPECT_TRUE(common::WaitFor([&] { return detector->IsReady(); }));
  EXPECT_EQ(detector->Terminate(), 0);
  platform_.AddDatabase("undisturbed");
  platform_.Replay(platform_.dir() / "session.jsonl", "undisturbed");
  ExpectSameTables(DumpTables(cluster, "undisturbed"), DumpTables(cluster, "small"));
  ASSERT_TRUE(cluster.Query("postgres", "DROP DATABASE small WITH (FORCE)").ok());
}

TEST_F(DamageTest, AFullDiskForTheRecordIsSaidOnceAndTheFeedGoesOn) {
  ASSERT_TRUE(platform_.ok());
  SmallDisk disk(platform_.dir() / "disk", "64k");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small disk is not permitted here: " << disk.why_not();
  fakes::FakeWebSocketServer server;
  std::vector<std::string> frames;
  sim::Simulator simulator([] {
    sim::Options options;
    options.launches = 20;
    options.trades = 4000;
    return options;
  }());
  for (sim::Frame frame; simulator.Next(&frame);) frames.emplace_back(frame.raw);
  server.SetBehaviour({.frames = frames, .after_messages = 1});
  const std::string record = disk.path() / "record.jsonl.gz";
  const auto detector =
      platform_.StartDetector({"--feeds=solana", "--solana_ws_url=" + server.Url(), "--record=" + record});
  ASSERT_NE(detector, nullptr);
  EXPECT_TRUE(common::WaitFor([&] { return Trades() == simulator.truth().trades; }, absl::Seconds(30))) << Trades();
  const std::string log = detector->Log();
  EXPECT_THAT(log, HasSubstr(record));
  EXPECT_THAT(log, HasSubstr("No space left on device"));
  EXPECT_EQ(detector->Terminate(), 0) << detector->Log();
}

}  // namespace
}  // namespace tokenwatch::functional

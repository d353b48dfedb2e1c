// Live feeds against a fake upstream: they subscribe, log what comes, come back after a loss, notice silence, and never
// hold more than one connection.
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/testing/wait_for.h"
#include "tests/fakes/fake_websocket_server.h"
#include "tests/functional/harness.h"
#include "tests/functional/recordings.h"
#include "tests/functional/streams.h"
#include "tests/functional/tables.h"

namespace tokenwatch::functional {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LiveFeedsTest : public ::testing::Test {
 protected:
  LiveFeedsTest() {
    sim::Options options;
    options.launches = 30;
    options.trades = 600;
    options.pumpportal_feed = true;
    sim::Simulator simulator(options);
    for (sim::Frame frame; simulator.Next(&frame);) {
      (frame.feed == sim::Feed::kSolana ? solana_frames_ : portal_frames_).emplace_back(frame.raw);
    }
    truth_ = simulator.truth();
  }
  void SetUp() override { ASSERT_TRUE(platform_.ok()); }

  std::vector<std::string> Flags(std::vector<std::string> more = {}) {
    std::vector<std::string> flags = {"--feeds=solana,pumpportal", "--solana_ws_url=" + solana_.Url(),
                                      "--pumpportal_url=" + portal_.Url()};
    for (std::string& flag : more) flags.push_back(std::move(flag));
    return flags;
  }
  bool AwaitTrades(uint64_t trades) {
    return common::WaitFor(
        [&] { return static_cast<uint64_t>(platform_.Count("SELECT count(*) FROM detector.trades")) >= trades; },
        absl::Seconds(30));
  }
  bool AwaitLaunches(uint64_t launches) {
    return common::WaitFor(
        [&] {
          return static_cast<uint64_t>(
                     platform_.Count("SELECT count(*) FROM detector.token_events WHERE kind = 'launched'")) >= launches;
        },
        absl::Seconds(30));
  }
  static pb::FeedStatus StatusOf(const Service& service, const std::string& feed) {
    const auto status = Call(*StubFor(service), &pb::DetectorService::Stub::GetStatus, pb::GetStatusRequest());
    for (const pb::FeedStatus& each : status.feeds()) {
      if (each.name() == feed) return each;
    }
    return {};
  }

  Platform platform_;
  fakes::FakeWebSocketServer solana_;
  fakes::FakeWebSocketServer portal_;
  std::vector<std::string> solana_frames_;
  std::vector<std::string> portal_frames_;
  sim::Truth truth_;
};

TEST_F(LiveFeedsTest, SubscribeAndLogWhatComes) {
  solana_.SetBehaviour({.frames = solana_frames_, .after_messages = 1});
  portal_.SetBehaviour({.frames = portal_frames_, .after_messages = 2});
  const auto detector = platform_.StartDetector(Flags());
  ASSERT_NE(detector, nullptr);
  EXPECT_TRUE(AwaitTrades(truth_.trades));
  EXPECT_TRUE(AwaitLaunches(truth_.any_feed.launches));
  EXPECT_TRUE(common::WaitFor(
      [&] { return StatusOf(*detector, "pumpportal").frames() == static_cast<int64_t>(portal_frames_.size()); }));
  EXPECT_EQ(static_cast<uint64_t>(platform_.Count("SELECT count(*) FROM detector.trades")), truth_.trades);
  EXPECT_THAT(portal_.received(),
              ElementsAre(R"({"method":"subscribeNewToken"})", R"({"method":"subscribeMigration"})"));
  ASSERT_EQ(solana_.received().size(), 1u);
  EXPECT_THAT(solana_.received()[0], HasSubstr("logsSubscribe"));
  EXPECT_THAT(solana_.received()[0], HasSubstr("6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"));
  EXPECT_EQ(portal_.accepted(), 1);
  EXPECT_EQ(StatusOf(*detector, "solana").state(), "live");
}

TEST_F(LiveFeedsTest, ComeBackAfterALossWithOneConnectionAtATime) {
  const size_t half = solana_frames_.size() / 2;
  solana_.SetBehaviour({.frames = {solana_frames_.begin(), solana_frames_.begin() + half},
                        .after_messages = 1,
                        .ending = fakes::FakeEnding::kDrop});
  const auto detector = platform_.StartDetector(Flags());
  ASSERT_NE(detector, nullptr);
  ASSERT_TRUE(common::WaitFor([&] { return solana_.opened() >= 1; }));
  // From the second connection on: the whole session, of which the first half is known.
  solana_.SetBehaviour({.frames = solana_frames_, .after_messages = 1});
  EXPECT_TRUE(AwaitTrades(truth_.trades));
  EXPECT_EQ(static_cast<uint64_t>(platform_.Count("SELECT count(*) FROM detector.trades")), truth_.trades);
  EXPECT_GE(solana_.opened(), 2);
  EXPECT_GE(solana_.received().size(), 2u) << "it must subscribe again";
  EXPECT_EQ(solana_.max_alive(), 1);
}

TEST_F(LiveFeedsTest, NoticeSilenceAndReconnect) {
  portal_.SetBehaviour({.frames = {portal_frames_[0]}, .after_messages = 1});
  const auto detector = platform_.StartDetector(Flags({"--silence_warn=300ms", "--silence_reconnect=700ms"}));
  ASSERT_NE(detector, nullptr);
  EXPECT_TRUE(common::WaitFor([&] { return StatusOf(*detector, "pumpportal").state() == "silent"; }));
  EXPECT_TRUE(common::WaitFor([&] { return portal_.opened() >= 2; }, absl::Seconds(20)));
  EXPECT_EQ(portal_.max_alive(), 1);
  EXPECT_THAT(detector->Log(), HasSubstr("pumpportal"));
  EXPECT_TRUE(detector->IsReady()) << "a quiet feed is no reason not to serve";
}

TEST_F(LiveFeedsTest, ARefusedConnectionIsTriedAgainWithoutAStorm) {
  portal_.SetBehaviour({.handshake = fakes::FakeHandshake::kRefuse, .refuse_status = 503});
  const auto detector = platform_.StartDetector(Flags());
  ASSERT_NE(detector, nullptr);
  ASSERT_TRUE(common::WaitFor([&] { return portal_.accepted() >= 2; }, absl::Seconds(30)));
  EXPECT_LE(portal_.accepted(), 10);
  portal_.SetBehaviour({.frames = portal_frames_, .after_messages = 2});
  EXPECT_TRUE(common::WaitFor([&] { return portal_.opened() >= 1; }, absl::Seconds(60)));
  EXPECT_EQ(portal_.max_alive(), 1);
}

TEST_F(LiveFeedsTest, AFollowerHoldsNoConnection) {
  const auto leader = platform_.StartDetector(Flags());
  ASSERT_NE(leader, nullptr);
  ASSERT_TRUE(common::WaitFor([&] { return portal_.opened() == 1; }));
  const auto follower = platform_.StartDetector(Flags());
  ASSERT_NE(follower, nullptr);
  EXPECT_EQ(portal_.accepted(), 1);
  leader->Kill();
  EXPECT_TRUE(common::WaitFor([&] { return portal_.opened() == 2; }, absl::Seconds(20)));
  EXPECT_EQ(portal_.max_alive(), 1);
}

TEST_F(LiveFeedsTest, WhatIsRecordedReplaysToTheSameTables) {
  solana_.SetBehaviour({.frames = solana_frames_, .after_messages = 1});
  const std::string record = platform_.dir() / "record.jsonl.gz";
  // One feed only: a recording holds the order in which frames came, and two feeds race into the log.
  const auto detector =
      platform_.StartDetector({"--feeds=solana", "--solana_ws_url=" + solana_.Url(), "--record=" + record});
  ASSERT_NE(detector, nullptr);
  EXPECT_TRUE(AwaitTrades(truth_.trades));
  EXPECT_TRUE(common::WaitFor(
      [&] { return StatusOf(*detector, "solana").frames() == static_cast<int64_t>(solana_frames_.size()); }));
  EXPECT_EQ(detector->Terminate(), 0) << detector->Log();
  platform_.AddDatabase("replayed");
  platform_.Replay(record, "replayed");
  Tables live = DumpTables(platform_.cluster(), "platform");
  Tables replayed = DumpTables(platform_.cluster(), "replayed");
  EXPECT_EQ(replayed["feed_positions"].size(), 1u);
  replayed.erase("feed_positions");
  live.erase("feed_positions");
  ExpectSameTables(live, replayed);
}

}  // namespace
}  // namespace tokenwatch::functional

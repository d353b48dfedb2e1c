// kill -9 of the detector at random moments of a simulated session: what it leaves behind is what an undisturbed run
// leaves behind, to the byte.
//
// Parameters come from the environment, so that one program is the short and the long run: CHAOS_KILLS, CHAOS_TRADES,
// CHAOS_LAUNCHES, CHAOS_SEED.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "common/testing/wait_for.h"
#include "tests/chaos/parameters.h"
#include "tests/functional/harness.h"
#include "tests/functional/recordings.h"
#include "tests/functional/tables.h"

namespace tokenwatch::functional {
namespace {

class KillTest : public ::testing::Test {
 protected:
  KillTest() : random_(ChaosParameter("CHAOS_SEED", 1)) {
    sim::Options options;
    options.seed = ChaosParameter("CHAOS_SEED", 1);
    options.trades = ChaosParameter("CHAOS_TRADES", 20'000);
    options.launches = ChaosParameter("CHAOS_LAUNCHES", 200);
    options.pumpportal_feed = true;
    session_ = Simulate(options);
    recording_ = WriteRecording(platform_.dir() / "session.jsonl", session_.lines);
  }

  uint64_t Between(uint64_t low, uint64_t high) { return std::uniform_int_distribution<uint64_t>(low, high)(random_); }

  // Frames whose events are in the log.
  uint64_t FramesDone() {
    const auto done =
        platform_.cluster().QueryValue("platform", "SELECT COALESCE(sum(frames), 0) FROM detector.feed_positions");
    uint64_t frames = 0;
    // Before the first migration has run there is no such table.
    return done.ok() && absl::SimpleAtoi(*done, &frames) ? frames : 0;
  }

  Platform platform_;
  Session session_;
  std::string recording_;
  std::mt19937_64 random_;
};

TEST_F(KillTest, KilledAtRandomMomentsItEndsInTheTablesOfAnUndisturbedRun) {
  ASSERT_TRUE(platform_.ok());
  platform_.AddDatabase("undisturbed");
  platform_.Replay(recording_, "undisturbed");
  const Tables expected = DumpTables(platform_.cluster(), "undisturbed");
  EXPECT_EQ(expected.at("trades").size(), session_.truth.trades);

  const uint64_t kills = ChaosParameter("CHAOS_KILLS", 10);
  std::vector<uint64_t> moments;
  for (uint64_t i = 0; i < kills; ++i) moments.push_back(Between(1, session_.lines.size() - 1));
  std::sort(moments.begin(), moments.end());
  // Small commits, so that a session has many moments to be killed at.
  const std::vector<std::string> flags = ReplayFlags(
      recording_,
      {"--dsn=" + platform_.cluster().Dsn("platform", "detector"), "--commit_events=100", "--intake_queue=2"});
  uint64_t killed_under_way = 0;
  for (const uint64_t moment : moments) {
    const auto detector = platform_.Launch("tokenwatch-detector", flags);
    ASSERT_NE(detector, nullptr);
    if (Between(0, 3) == 0) {
      // Somewhere in its start, or soon after.
      absl::SleepFor(absl::Milliseconds(Between(1, 150)));
    } else {
      ASSERT_TRUE(
          common::WaitFor([&] { return FramesDone() >= moment || !detector->process().running(); }, absl::Minutes(2)));
      absl::SleepFor(absl::Microseconds(Between(0, 5000)));
    }
    ASSERT_TRUE(detector->process().running()) << "it ended by itself: " << detector->Log();
    detector->Kill();
    const uint64_t done = FramesDone();
    killed_under_way += done > 0 && done < session_.lines.size() ? 1 : 0;
  }
  EXPECT_GT(killed_under_way, kills / 4) << "the kills came too early or too late to prove anything";

  platform_.Replay(recording_);
  ExpectSameTables(expected, DumpTables(platform_.cluster(), "platform"));
}

}  // namespace
}  // namespace tokenwatch::functional

#include "detector/feeds/recording_feed.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "chain/testing/fixtures.h"
#include "common/testing/temp_dir.h"
#include "detector/log/fake_store_for_test.h"
#include "detector/samples_for_test.h"

namespace tokenwatch::detector {
namespace {

using ::testing::ElementsAre;

constexpr char kAck[] = R"({\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1})";

class RecordingFeedTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& text) {
    const std::string path = dir_.path() / "recording";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::string Line(absl::string_view feed, absl::string_view raw = kAck) {
    return absl::StrCat("{\"t\":", 1'783'040'400 + ++time_, ",\"feed\":\"", feed, "\",\"raw\":\"", raw, "\"}\n");
  }
  // Runs the feed over the file; what it hands on is in batches_.
  absl::Status Run(const std::string& path) {
    RecordingFeed feed({.path = path, .default_feed = "solana"}, store_, board_,
                       [this](FeedBatch batch, const std::stop_token&) {
                         batches_.push_back(std::move(batch));
                         return batches_.size() <= take_;
                       });
    return feed.Run(stop_.get_token());
  }
  // As the writer does when a batch is committed.
  void Save(const FeedBatch& batch) {
    store_.Change([&](FakeTables& tables) {
      tables.positions[absl::StrCat(batch.position->reader.text(), "/", batch.position->source)] =
          batch.position->frames;
    });
  }
  FeedState StateOf(absl::string_view name) {
    for (const FeedReport& report : board_.Report()) {
      if (report.name == name) return report.state;
    }
    return FeedState::kFailed;
  }

  common::TempDir dir_;
  FakeStore store_;
  FeedBoard board_;
  std::stop_source stop_;
  std::vector<FeedBatch> batches_;
  size_t take_ = 1'000'000;
  int time_ = 0;
};

TEST_F(RecordingFeedTest, ReplaysTheRecordedStreams) {
  const std::string solana = chain::testing::ReadFixture("solana_rpc/logs_subscribe_pumpfun_a.jsonl");
  ASSERT_TRUE(Run(Write(solana)).ok());
  size_t trades = 0, launches = 0;
  for (const FeedBatch& batch : batches_) {
    EXPECT_EQ(batch.feed.text(), "solana");
    for (const FeedEvent& event : batch.events) {
      trades += std::holds_alternative<Trade>(event);
      launches += std::holds_alternative<LaunchSeen>(event);
    }
  }
  EXPECT_EQ(trades, 61u);
  EXPECT_EQ(launches, 12u);
  ASSERT_TRUE(batches_.back().position.has_value());
  EXPECT_EQ(batches_.back().position->frames, 98u);
  EXPECT_EQ(StateOf("recording"), FeedState::kFinished);
}

TEST_F(RecordingFeedTest, BatchesAreOfOneFeedAndBounded) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += Line("solana");
  for (int i = 0; i < 2; ++i) text += Line("pumpportal");
  text += Line("solana");
  ASSERT_TRUE(Run(Write(text)).ok());
  std::vector<std::string> feeds;
  std::vector<uint64_t> positions;
  for (const FeedBatch& batch : batches_) {
    feeds.emplace_back(batch.feed.text());
    positions.push_back(batch.position->frames);
  }
  EXPECT_THAT(feeds, ElementsAre("solana", "solana", "pumpportal", "solana"));
  EXPECT_THAT(positions, ElementsAre(256u, 300u, 302u, 303u));
  EXPECT_EQ(batches_[2].received_at, absl::FromUnixSeconds(1'783'040'400 + 302)) << "the recorded time";
}

TEST_F(RecordingFeedTest, ResumesBehindWhatTheLogHas) {
  std::string text;
  for (int i = 0; i < 600; ++i) text += Line("solana", "{");
  const std::string path = Write(text);
  take_ = 1;
  EXPECT_TRUE(absl::IsCancelled(Run(path))) << "nobody takes the second";
  ASSERT_EQ(batches_.size(), 2u);
  Save(batches_[0]);
  batches_.clear();
  take_ = 100;
  ASSERT_TRUE(Run(path).ok());
  size_t events = 0;
  for (const FeedBatch& batch : batches_) events += batch.events.size();
  EXPECT_EQ(events, 600u - 256u);
  EXPECT_EQ(batches_.front().position->frames, 512u);
  Save(batches_.back());
  batches_.clear();
  ASSERT_TRUE(Run(path).ok());
  EXPECT_TRUE(batches_.empty()) << "all of it is in the log";
}

TEST_F(RecordingFeedTest, BadLinesAndFeedsWithoutDecoderAreKept) {
  const std::string text =
      absl::StrCat("not json\n", "{\"t\":1783040401,\"raw\":\"{\"}\n", Line("evm", "abc"), Line("Not A Name", "def"));
  ASSERT_TRUE(Run(Write(text)).ok());
  std::vector<std::string> what;
  for (const FeedBatch& batch : batches_) {
    for (const FeedEvent& event : batch.events) {
      const auto& refused = std::get<FrameRefused>(event);
      what.push_back(absl::StrCat(batch.feed.text(), " ", refused.reason, " ", refused.raw));
    }
  }
  EXPECT_THAT(what, ElementsAre("recording bad_recording_line not json", "solana bad_json {", "evm unknown_feed abc",
                                "recording unknown_feed def"));
  EXPECT_EQ(batches_.back().position->frames, 4u) << "a bad line is a line";
}

TEST_F(RecordingFeedTest, WhatCameBeforeTheDamageCounts) {
  std::string zipped = absl::StrCat(Line("solana", "{"));
  // Not gzip: a file whose first bytes say so and whose rest is none.
  const std::string path = Write(std::string("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03 nonsense", 19) + zipped);
  EXPECT_TRUE(absl::IsDataLoss(Run(path)));
  EXPECT_TRUE(absl::IsNotFound(Run(dir_.path() / "missing")));
}

TEST_F(RecordingFeedTest, WaitsForTheStoreAndEndsWhenStopped) {
  const std::string path = Write(Line("solana"));
  store_.on_load_position = [&](int call) {
    return call == 1 ? absl::UnavailableError("no database yet") : absl::OkStatus();
  };
  ASSERT_TRUE(Run(path).ok());
  EXPECT_EQ(batches_.size(), 1u);

  store_.on_load_position = [&](int) {
    stop_.request_stop();
    return absl::UnavailableError("no database yet");
  };
  EXPECT_TRUE(absl::IsCancelled(Run(path)));
}

}  // namespace
}  // namespace tokenwatch::detector

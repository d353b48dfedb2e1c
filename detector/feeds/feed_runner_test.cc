#include "detector/feeds/feed_runner.h"

#include <atomic>

#include <gtest/gtest.h>

#include "common/sync/stop.h"
#include "common/testing/wait_for.h"

namespace tokenwatch::detector {
namespace {

class FakeFeed final : public Feed {
 public:
  explicit FakeFeed(std::string name, bool ends = false, absl::Status status = absl::OkStatus())
      : name_(std::move(name)), ends_(ends), status_(std::move(status)) {}
  const std::string& name() const override { return name_; }
  absl::Status Run(const std::stop_token& stop) override {
    if (++inside != 1) overlapped = true;
    ++runs;
    if (!ends_) {
      while (common::SleepUnlessStopped(stop, absl::Hours(1))) {
      }
    }
    --inside;
    return status_;
  }

  std::atomic<int> runs{0}, inside{0};
  std::atomic<bool> overlapped{false};

 private:
  const std::string name_;
  const bool ends_;
  const absl::Status status_;
};

struct Runner {
  explicit Runner(const std::vector<FakeFeed*>& made) : feeds(made) {
    std::vector<std::unique_ptr<Feed>> owned;
    for (FakeFeed* feed : made) owned.emplace_back(feed);
    runner = std::make_unique<FeedRunner>(std::move(owned), board,
                                          [this](const Feed& feed, const absl::Status& status, const std::stop_token&) {
                                            last = absl::StrCat(feed.name(), " ", status.message());
                                            ++ended;
                                          });
  }
  FeedBoard board;
  std::vector<FakeFeed*> feeds;
  std::string last;
  std::atomic<int> ended{0};
  std::unique_ptr<FeedRunner> runner;
};

TEST(FeedRunnerTest, StartsAllStopsAllAndStartsAgain) {
  Runner all({new FakeFeed("a"), new FakeFeed("b")});
  for (int round = 1; round <= 3; ++round) {
    all.runner->Start();
    all.runner->Start();
    EXPECT_TRUE(common::WaitFor([&] { return all.feeds[0]->runs == round && all.feeds[1]->runs == round; }));
    all.runner->Stop();
    EXPECT_EQ(all.feeds[0]->inside, 0);
    EXPECT_EQ(all.feeds[1]->inside, 0);
  }
  EXPECT_EQ(all.ended, 0) << "a feed that was stopped has not ended";
}

TEST(FeedRunnerTest, TellsOfFeedsThatEndByThemselves) {
  Runner fine({new FakeFeed("a", true)});
  fine.runner->Start();
  EXPECT_TRUE(common::WaitFor([&] { return fine.ended == 1; }));
  EXPECT_EQ(fine.last, "a ");
  EXPECT_TRUE(fine.board.Report().empty());

  Runner failed({new FakeFeed("b", true, absl::DataLossError("cut"))});
  failed.runner->Start();
  EXPECT_TRUE(common::WaitFor([&] { return failed.ended == 1; }));
  EXPECT_EQ(failed.last, "b cut");
  ASSERT_EQ(failed.board.Report().size(), 1u);
  EXPECT_EQ(failed.board.Report()[0].state, FeedState::kFailed);
  EXPECT_EQ(failed.board.Report()[0].detail, "cut");
}

TEST(FeedRunnerTest, StopEndsAnEndThatWaits) {
  std::vector<std::unique_ptr<Feed>> feeds;
  feeds.push_back(std::make_unique<FakeFeed>("a", true));
  FeedBoard board;
  std::atomic<bool> waiting{false};
  FeedRunner runner(std::move(feeds), board, [&](const Feed&, const absl::Status&, const std::stop_token& stop) {
    waiting = true;
    common::SleepUnlessStopped(stop, absl::Hours(1));
  });
  runner.Start();
  EXPECT_TRUE(common::WaitFor([&] { return waiting.load(); }));
  runner.Stop();
}

TEST(FeedRunnerTest, NoFeedRunsTwiceAtOnceHoweverItIsStartedAndStopped) {
  Runner all({new FakeFeed("a")});
  std::thread other([&] {
    for (int i = 0; i < 50; ++i) all.runner->Stop();
  });
  for (int i = 0; i < 50; ++i) {
    all.runner->Start();
    all.runner->Stop();
  }
  other.join();
  EXPECT_FALSE(all.feeds[0]->overlapped);
}

}  // namespace
}  // namespace tokenwatch::detector

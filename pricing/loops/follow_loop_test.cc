#include "pricing/loops/follow_loop.h"

#include <atomic>
#include <memory>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/testing/wait_for.h"
#include "pricing/loops/loop_world_for_test.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FollowLoopTest : public ::testing::Test {
 protected:
  ~FollowLoopTest() override { Stop(); }

  void Start(const Checkpoint& restored = {}) {
    loop_ = std::make_unique<FollowLoop>(loops_.context(), world_.fold(), restored, [this] { ++pressed_; });
    thread_ = std::jthread([this](const std::stop_token& stop) { loop_->Run(stop); });
  }
  void Stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
  }
  void Trades(uint64_t token, int count) {
    for (int i = 0; i < count; ++i) world_.Add(TestToken(token), absl::Seconds(++seconds_), 30'000'000'000, 1'000'000);
  }
  bool AwaitFolded(uint64_t cursor) {
    return common::WaitFor([&] { return world_.fold().position().cursor >= cursor; });
  }
  bool AwaitNotReady(const std::string& condition, const std::string& words) {
    return common::WaitFor([&] { return loops_.NotReady(condition).find(words) != std::string::npos; });
  }
  bool AwaitReady() {
    return common::WaitFor([&] { return loops_.NotReady("log").empty() && loops_.NotReady("detector").empty(); });
  }

  LoopWorld loops_;
  World& world_ = loops_.world;
  std::atomic<int> pressed_{0};
  std::unique_ptr<FollowLoop> loop_;
  std::jthread thread_;
  int seconds_ = 0;
};

TEST_F(FollowLoopTest, AStreamThatEndsIsOpenedAgainAfterTheLastTradeFolded) {
  Trades(1, 5);
  world_.log.EndTail(2, absl::UnavailableError("connection reset"));
  world_.log.EndTail(1, absl::ResourceExhaustedError("too slow"));
  Start();
  ASSERT_TRUE(AwaitFolded(5));
  EXPECT_TRUE(AwaitReady());
  Stop();
  EXPECT_THAT(world_.log.tails(), ElementsAre(0, 2, 3));
  EXPECT_EQ(world_.fold().counts().trades, 5u);
  EXPECT_EQ(world_.fold().counts().repeats, 0u);
  EXPECT_EQ(loop_->log_head(), 5u);
  EXPECT_EQ(loops_.metrics.detector_failures.Value(), 1) << "being cut off is no failure of the detector";
}

TEST_F(FollowLoopTest, AnEmptyLogIsReady) {
  Start();
  EXPECT_TRUE(AwaitReady());
}

TEST_F(FollowLoopTest, ADetectorThatDoesNotAnswerIsAskedAgain) {
  world_.log.Fail(absl::UnavailableError("connection refused"));
  Start();
  ASSERT_TRUE(AwaitNotReady("detector", "connection refused"));
  EXPECT_FALSE(loops_.readiness.ready());
  Trades(1, 1);
  world_.log.Fail(absl::OkStatus());
  EXPECT_TRUE(AwaitFolded(1));
  EXPECT_TRUE(AwaitReady());
}

TEST_F(FollowLoopTest, ALogThatEndsBeforeTheCheckpointIsNotFolded) {
  Trades(1, 5);
  Checkpoint restored;
  restored.cursor = 9;
  Start(restored);
  ASSERT_TRUE(AwaitNotReady("log", "ends at cursor 5, and 9 was folded"));
  EXPECT_TRUE(world_.log.tails().empty());
  EXPECT_EQ(world_.fold().position().cursor, 0u);
  EXPECT_EQ(loops_.NotReady("detector"), "") << "the detector answers; its log is the wrong one";
  // The right one is back.
  Trades(1, 4);
  EXPECT_TRUE(AwaitFolded(9));
  EXPECT_TRUE(AwaitReady());
}

TEST_F(FollowLoopTest, AGapIsNeverFoldedOver) {
  Trades(1, 3);
  world_.log.EndTail(1, absl::UnavailableError("away"));
  for (int i = 0; i < 3; ++i) world_.log.EndTail(0, absl::OutOfRangeError("what follows cursor 1 is not kept"));
  Start();
  ASSERT_TRUE(AwaitNotReady("log", "what follows cursor 1 is not kept"));
  EXPECT_EQ(world_.fold().position().cursor, 1u);
  EXPECT_TRUE(AwaitFolded(3));
  EXPECT_TRUE(AwaitReady());
  Stop();
  EXPECT_THAT(world_.log.tails(), ElementsAre(0, 1, 1, 1, 1));
}

TEST_F(FollowLoopTest, ABatchWhoseHistoryIsAwayIsFoldedWhenItIsBack) {
  // Another process left a row behind.
  World earlier(EagerOptions());
  for (int i = 1; i <= 3; ++i) earlier.Add(TestToken(1), absl::Seconds(i), 30'000'000'000, 1'000'000);
  earlier.Fold();
  const Flush flush = earlier.fold().CollectFlush(0, 1000, true);
  ASSERT_EQ(flush.series.size(), 1u);
  world_.store.Apply(flush);
  Trades(1, 4);
  world_.fold().Begin(flush.checkpoint);
  world_.fold().AddKept(flush.series[0].key);
  world_.store.Fail(absl::UnavailableError("the database is away"));
  Start(flush.checkpoint);
  EXPECT_TRUE(common::WaitFor([&] { return loops_.metrics.apply_failures.Value() >= 2; }));
  EXPECT_EQ(world_.fold().position().cursor, 3u);
  world_.store.Fail(absl::OkStatus());
  ASSERT_TRUE(AwaitFolded(4));
  Stop();
  uint64_t trades = 0;
  world_.hot.Read(TestToken(1), {}, [&](const Series& series) { trades = series.trades; });
  EXPECT_EQ(trades, 4u);
}

TEST_F(FollowLoopTest, TradesThatThisBuildCannotReadStopTheFold) {
  class Unreadable final : public Detector {
   public:
    explicit Unreadable(FakeLog& log) : log_(log) {}
    absl::Status Tail(uint64_t, const std::function<absl::Status(TradeBatch&&)>& handle,
                      const std::stop_token&) override {
      TradeBatch batch;
      batch.cursor = 1;
      batch.unreadable = 1;
      return handle(std::move(batch));
    }
    absl::StatusOr<std::vector<Trade>> GetTrades(absl::Span<const uint64_t> cursors, absl::Time deadline) override {
      return log_.GetTrades(cursors, deadline);
    }
    absl::StatusOr<std::vector<Trade>> ReadTrades(const chain::TokenRef& token, uint64_t first, uint64_t last,
                                                  int limit, absl::Time deadline) override {
      return log_.ReadTrades(token, first, last, limit, deadline);
    }
    absl::StatusOr<std::vector<TokenDecimals>> GetDecimals(absl::Span<const chain::TokenRef> tokens,
                                                           absl::Time deadline) override {
      return log_.GetDecimals(tokens, deadline);
    }
    absl::StatusOr<std::vector<chain::TokenRef>> SeenSince(absl::Span<const chain::TokenRef> tokens, absl::Time since,
                                                           absl::Time deadline) override {
      return log_.SeenSince(tokens, since, deadline);
    }
    absl::StatusOr<uint64_t> Head(absl::Time) override { return 1; }
    absl::Status Acknowledge(const std::string&, uint64_t, absl::Time) override { return absl::OkStatus(); }

   private:
    FakeLog& log_;
  } detector(world_.log);
  const LoopContext whole = loops_.context();
  const LoopContext context{whole.config,
                            whole.store,
                            detector,
                            whole.oracle,
                            whole.references,
                            whole.clock,
                            whole.metrics,
                            whole.detector_condition,
                            whole.database_condition,
                            whole.log_condition};
  FollowLoop loop(context, world_.fold(), {}, [] {});
  std::jthread thread([&](const std::stop_token& stop) { loop.Run(stop); });
  EXPECT_TRUE(AwaitNotReady("log", "cannot be read by this build"));
  EXPECT_EQ(world_.fold().position().cursor, 0u);
}

TEST(FollowLoopPressureTest, AFullMemoryWaitsForTheWriter) {
  FoldOptions options = EagerOptions();
  options.row_interval = absl::Hours(2);
  options.max_hot = 2;
  LoopWorld loops(options);
  World& world = loops.world;
  std::atomic<int> pressed{0};
  FollowLoop loop(loops.context(), world.fold(), {}, [&] { ++pressed; });
  for (uint64_t token = 1; token <= 8; ++token) {
    for (int i = 0; i < 2; ++i) world.Add(TestToken(token), absl::Seconds(i), 30'000'000'000, 1'000'000);
  }
  std::jthread thread([&](const std::stop_token& stop) { loop.Run(stop); });
  ASSERT_TRUE(common::WaitFor([&] { return world.fold().position().cursor >= 16; }));
  EXPECT_TRUE(common::WaitFor([&] { return pressed.load() > 0; })) << "the writer is told";
  // More comes in, and there is no room until it is written.
  world.Add(TestToken(20), absl::Seconds(3), 30'000'000'000, 1'000'000);
  EXPECT_TRUE(common::WaitFor([&] { return world.fold().counts().refused > 1; }));
  EXPECT_EQ(world.fold().position().cursor, 16u);
  world.Flush(true);
  EXPECT_TRUE(common::WaitFor([&] { return world.fold().position().cursor >= 17; }));
}

}  // namespace
}  // namespace tokenwatch::pricing

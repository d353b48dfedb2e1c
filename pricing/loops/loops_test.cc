// All loops together, over a log and a database in memory: what is there after restarts is what an undisturbed run has.
#include "pricing/loops/loops.h"

#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/testing/wait_for.h"
#include "pricing/loops/loop_world_for_test.h"

namespace tokenwatch::pricing {
namespace {

// One process after another on the same log and database.
class LoopsTest : public ::testing::Test, public PriceRequestListener {
 protected:
  class Process {
   public:
    Process(LoopWorld& loops, PriceRequestListener& requests)
        : world_(loops.world),
          view_({}, hot_, world_.references, world_.decimals),
          loops_(loops.context(), {hot_, view_, world_, requests, [] {}}) {}
    absl::Status Restore() { return loops_.Restore(absl::InfiniteFuture()); }
    bool AwaitFolded(uint64_t cursor) {
      return common::WaitFor([&] { return loops_.state().position.cursor >= cursor; });
    }
    Loops& loops() { return loops_; }
    HotSet& hot() { return hot_; }

   private:
    World& world_;
    HotSet hot_;
    PriceView view_;
    Loops loops_;
  };

  void OnRequests(absl::Span<const PriceRequest>) override {}
  void Trades(uint64_t token, int count) {
    for (int i = 0; i < count; ++i) {
      ++seconds_;
      world_.Add(TestToken(token), absl::Seconds(seconds_), 30'000'000'000 + static_cast<uint64_t>(seconds_),
                 1'000'000);
    }
  }

  LoopWorld loops_;
  World& world_ = loops_.world;
  int seconds_ = 0;
};

TEST_F(LoopsTest, ARestartGoesOnWhereTheDrainEnded) {
  Trades(1, 5);
  Trades(2, 1);
  {
    Process process(loops_, *this);
    ASSERT_TRUE(process.Restore().ok());
    process.loops().Start();
    ASSERT_TRUE(process.AwaitFolded(6));
    process.loops().Stop(absl::Seconds(5));
  }
  EXPECT_EQ(world_.store.series_rows(), 1u);
  EXPECT_EQ(world_.store.checkpoint().redo_cursor, 6u);

  Trades(2, 1);
  Trades(1, 1);
  Process process(loops_, *this);
  ASSERT_TRUE(process.Restore().ok());
  EXPECT_EQ(process.loops().Parked(SeriesKey{TestToken(2), TestQuote()}), (std::vector<uint64_t>{6}));
  process.loops().Start();
  ASSERT_TRUE(process.AwaitFolded(8));
  const ServiceState state = process.loops().state();
  EXPECT_EQ(state.log_head, 8u);
  EXPECT_EQ(state.fold.repeats, 0u);
  process.loops().Stop(absl::Seconds(5));
  EXPECT_EQ(world_.store.series_rows(), 2u);
  uint64_t trades = 0;
  process.hot().Read(TestToken(1), {}, [&](const Series& series) { trades = series.trades; });
  EXPECT_EQ(trades, 6u);
  process.hot().Read(TestToken(2), {}, [&](const Series& series) { trades = series.trades; });
  EXPECT_EQ(trades, 2u) << "the parked trade came back from the log";
}

TEST_F(LoopsTest, AProcessThatDiesIsFoldedAgain) {
  Trades(1, 5);
  {
    Process process(loops_, *this);
    ASSERT_TRUE(process.Restore().ok());
    process.loops().Start();
    ASSERT_TRUE(process.AwaitFolded(5));
    process.loops().Stop(absl::ZeroDuration());
  }
  Process process(loops_, *this);
  ASSERT_TRUE(process.Restore().ok());
  process.loops().Start();
  ASSERT_TRUE(process.AwaitFolded(5));
  process.loops().Stop(absl::Seconds(5));
  uint64_t trades = 0;
  process.hot().Read(TestToken(1), {}, [&](const Series& series) { trades = series.trades; });
  EXPECT_EQ(trades, 5u);
}

TEST_F(LoopsTest, ARestoreThatFailedIsMadeAnew) {
  Trades(1, 1);
  world_.Fold();
  world_.Flush(true);
  ASSERT_TRUE(world_.store.Watch(TestToken(3), TestTime(), absl::InfiniteFuture()).ok());
  Process process(loops_, *this);
  world_.store.Fail(absl::UnavailableError("away"));
  EXPECT_TRUE(absl::IsUnavailable(process.Restore()));
  world_.store.Fail(absl::OkStatus());
  ASSERT_TRUE(process.Restore().ok());
  ASSERT_TRUE(process.Restore().ok());
  EXPECT_EQ(process.loops().Parked(SeriesKey{TestToken(1), TestQuote()}), (std::vector<uint64_t>{1}))
      << "not parked twice";
  // The one that is watched has a row after its first trade.
  Trades(3, 1);
  process.loops().Start();
  ASSERT_TRUE(process.AwaitFolded(2));
  process.loops().Stop(absl::Seconds(5));
  EXPECT_EQ(world_.store.series_rows(), 1u);
}

TEST_F(LoopsTest, StoredReferencesAreKnownBeforeTheFirstTradeIsFolded) {
  const chain::TokenRef sol{chain::Chain::kSolana, TestQuote()};
  const Reference old{sol, TestTime() - absl::Hours(24 * 30), "90", Word("recorded")};
  const Reference young{sol, TestTime(), "100", Word("recorded")};
  ASSERT_TRUE(world_.store.AddReferences({old, young}, absl::InfiniteFuture()).ok());
  Process first(loops_, *this);
  ASSERT_TRUE(first.Restore().ok());
  EXPECT_EQ(world_.references.Find(sol, TestTime(), absl::Hours(1)), young);
  EXPECT_EQ(world_.references.Find(sol, old.event_time, absl::Hours(1)), old) << "nothing is folded: all may be needed";

  // 100 lamports at 100 USD are nothing; ten SOL are worth a row.
  loops_.config.persist_trades = 1000;
  world_.Add(TestToken(1), absl::Seconds(1), 30'000'000'000, 1'000'000, [](Trade& trade) { trade.quote_amount = 100; });
  world_.Add(TestToken(2), absl::Seconds(2), 30'000'000'000, 1'000'000,
             [](Trade& trade) { trade.quote_amount = 10'000'000'000; });
  Process second(loops_, *this);
  ASSERT_TRUE(second.Restore().ok());
  second.loops().Start();
  ASSERT_TRUE(second.AwaitFolded(2));
  EXPECT_EQ(second.loops().state().fold.kept, 1u);
}

TEST_F(LoopsTest, ATokenWatchedThroughAnotherReplicaIsWatchedHere) {
  Trades(1, 1);
  Process process(loops_, *this);
  ASSERT_TRUE(process.Restore().ok());
  ASSERT_TRUE(world_.store.Watch(TestToken(1), TestTime(), absl::InfiniteFuture()).ok());
  process.loops().Start();
  EXPECT_TRUE(common::WaitFor([&] { return process.loops().state().fold.kept == 1; }));
}

}  // namespace
}  // namespace tokenwatch::pricing

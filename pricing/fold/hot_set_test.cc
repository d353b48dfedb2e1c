#include "pricing/fold/hot_set.h"

#include <atomic>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pricing/fold/fold.h"
#include "pricing/fold/hot_entry.h"
#include "pricing/testing/fake_database.h"
#include "pricing/testing/trades.h"

namespace tokenwatch::pricing {
namespace {

using testing::Canonical;
using ::testing::ElementsAre;
using testing::FakeDatabase;
using testing::kSol;
using testing::kUsdc;
using testing::PricedTrade;
using testing::Start;
using testing::TokenNumber;
using ::testing::UnorderedElementsAre;

class HotSetTest : public ::testing::Test {
 protected:
  HotEntry& Add(uint64_t token, absl::string_view quote, uint64_t cursor, bool has_price = true) {
    Trade trade = PricedTrade(cursor, token, Start(), has_price ? 1 : 0, 1);
    trade.quote = Canonical(quote);
    auto entry = std::make_unique<HotEntry>(SeriesKey{trade.token, trade.quote});
    FoldTrade(trade, *entry);
    HotEntry& added = *entry;
    writer_.Insert(std::move(entry));
    return added;
  }
  uint64_t CursorOf(uint64_t token, const chain::Address& quote = {}) {
    uint64_t cursor = 0;
    hot_.Read(TokenNumber(token), quote, [&](const Series& series) { cursor = series.cursor; });
    return cursor;
  }

  HotSet hot_{4};
  HotSet::Writer writer_{hot_};
};

TEST_F(HotSetTest, AnswersWithTheNewestPriceOfAToken) {
  Add(1, kSol, 5);
  Add(1, kUsdc, 7);
  Add(1, "none", 9, /*has_price=*/false);
  EXPECT_EQ(CursorOf(1), 7u);
  EXPECT_EQ(CursorOf(1, Canonical(kSol)), 5u);
  EXPECT_EQ(CursorOf(1, Canonical("none")), 9u);
  EXPECT_EQ(CursorOf(1, Canonical("other")), 0u);
  EXPECT_EQ(CursorOf(2), 0u);
  std::vector<uint64_t> all;
  hot_.ReadAll(TokenNumber(1), [&](const Series& series) { all.push_back(series.cursor); });
  EXPECT_THAT(all, UnorderedElementsAre(5, 7, 9));
}

TEST_F(HotSetTest, TakesOutAnySeriesOfAToken) {
  for (int order = 0; order < 3; ++order) {
    HotEntry* entries[] = {&Add(1, kSol, 1), &Add(1, kUsdc, 2), &Add(1, "none", 3)};
    EXPECT_EQ(hot_.size(), 3u);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(writer_.Take(*entries[(i + order) % 3])->series.key.token, TokenNumber(1));
      EXPECT_EQ(hot_.size(), 2u - static_cast<size_t>(i));
      size_t left = 0;
      hot_.ReadAll(TokenNumber(1), [&](const Series&) { ++left; });
      EXPECT_EQ(left, hot_.size());
    }
  }
}

TEST_F(HotSetTest, ReadsMany) {
  std::vector<chain::TokenRef> tokens;
  for (uint64_t token = 0; token < 500; ++token) {
    if (token % 3 != 0) Add(token, kSol, token + 1);
    tokens.push_back(TokenNumber(token));
  }
  // One may be asked for twice.
  tokens.push_back(TokenNumber(1));
  std::map<size_t, uint64_t> found;
  hot_.ReadMany(tokens, [&](size_t index, const Series& series) {
    EXPECT_TRUE(found.emplace(index, series.cursor).second);
    EXPECT_EQ(series.key.token, tokens[index]);
  });
  EXPECT_EQ(found.size(), 334u);
  EXPECT_EQ(found[500], 2u);
  hot_.ReadMany({}, [&](size_t, const Series&) { ADD_FAILURE(); });
  size_t visited = 0;
  hot_.ForEach([&](const Series&) { ++visited; });
  EXPECT_EQ(visited, 333u);
}

TEST_F(HotSetTest, ReadsTheChunksOfOneSeries) {
  HotEntry& entry = Add(1, kSol, 1);
  for (int hours : {6, 2, 4})
    FoldTrade(PricedTrade(10 + static_cast<uint64_t>(hours), 1, Start() + absl::Hours(hours), 1, 1), entry);
  std::vector<absl::Duration> starts;
  const auto visit = [&](const CandleChunk& chunk) { starts.push_back(chunk.start() - Start()); };
  hot_.ReadChunks(entry.series.key, Start() + absl::Hours(1), Start() + absl::Hours(4), visit);
  EXPECT_THAT(starts, ElementsAre(absl::Hours(2), absl::Hours(4)));
  starts.clear();
  hot_.ReadChunks({TokenNumber(1), Canonical(kUsdc)}, Start(), Start() + absl::Hours(9), visit);
  EXPECT_TRUE(starts.empty());
}

class Quiet : public FoldListener {
  void OnPrices(absl::Span<const chain::TokenRef>) override {}
};

// The threads of the service, all at once: what a reader sees is always a whole series. Under ThreadSanitizer it is
// also a test of the locks.
TEST(HotSetThreadsTest, ReadersSeeWholeSeriesWhileTheFoldWrites) {
  const std::vector<Trade> log = testing::MessyTrades(7, 20'000);
  FakeDatabase database(log);
  FoldOptions options;
  options.persist_trades = 3;
  options.max_hot = 60;
  options.max_dirty = 40;
  options.idle = absl::Minutes(20);
  options.row_interval = absl::Minutes(10);
  HotSet hot(4);
  Quiet listener;
  // The fake database is not thread-safe, and the fold looks into it while flushes are written.
  common::Mutex database_mutex;
  class Locked : public FoldHistory {
   public:
    Locked(FakeDatabase& inner, common::Mutex& mutex) : inner_(inner), mutex_(mutex) {}
    absl::StatusOr<std::vector<Series>> LoadSeries(absl::Span<const SeriesKey> keys) override {
      common::MutexLock lock(mutex_);
      return inner_.LoadSeries(keys);
    }
    absl::StatusOr<std::vector<ChunkRow>> LoadChunks(
        absl::Span<const std::pair<SeriesKey, absl::Time>> chunks) override {
      common::MutexLock lock(mutex_);
      return inner_.LoadChunks(chunks);
    }
    absl::StatusOr<std::vector<chain::TokenRef>> SeenSince(absl::Span<const chain::TokenRef> tokens,
                                                           absl::Time since) override {
      common::MutexLock lock(mutex_);
      return inner_.SeenSince(tokens, since);
    }
    absl::StatusOr<std::vector<Trade>> GetTrades(absl::Span<const uint64_t> cursors) override {
      common::MutexLock lock(mutex_);
      return inner_.GetTrades(cursors);
    }

   private:
    FakeDatabase& inner_;
    common::Mutex& mutex_;
  } history(database, database_mutex);
  Fold fold(
      options, hot, [](const chain::TokenRef&, absl::Time) { return 1.0; }, history, listener);
  fold.Begin({});
  std::atomic<bool> done{false};
  std::atomic<uint64_t> reads{0};
  const auto check = [&](const Series& series) {
    EXPECT_LE(series.buys, series.trades);
    if (series.last) {
      EXPECT_FALSE(IsHigher(series.last->ratio, series.high->ratio));
      EXPECT_FALSE(IsHigher(series.low->ratio, series.last->ratio));
    }
    ++reads;
  };
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (size_t at = 0; at < log.size();) {
      const size_t end = std::min(log.size(), at + 50);
      const TradeBatch batch{{log.begin() + static_cast<ptrdiff_t>(at), log.begin() + static_cast<ptrdiff_t>(end)},
                             log[end - 1].cursor,
                             0};
      const absl::Status status = fold.Apply(batch);
      if (status.ok()) {
        at = end;
      } else {
        ASSERT_TRUE(absl::IsResourceExhausted(status)) << status;
        std::this_thread::yield();
      }
    }
    done = true;
  });
  threads.emplace_back([&] {
    uint64_t flushes = 0;
    for (uint64_t attempts = 1; !done; ++attempts) {
      const Flush flush = fold.CollectFlush(flushes, 30, false);
      // One in five fails.
      if (attempts % 5 == 0) {
        fold.FlushFailed(flush);
        continue;
      }
      {
        common::MutexLock lock(database_mutex);
        ASSERT_TRUE(database.Write(flush).ok());
      }
      ++flushes;
      fold.FlushWritten(flush);
      fold.counts();
      fold.position();
    }
  });
  threads.emplace_back([&] {
    std::vector<chain::TokenRef> tokens;
    for (uint64_t token = 0; token < 50; ++token) tokens.push_back(TokenNumber(token));
    while (!done) {
      hot.ReadMany(tokens, [&](size_t, const Series& series) { check(series); });
      hot.ForEach(check);
      hot.size();
    }
  });
  threads.emplace_back([&] {
    for (uint64_t i = 0; !done; ++i) {
      const chain::TokenRef token = TokenNumber(i % 50);
      hot.Read(token, chain::Address(), check);
      hot.ReadAll(token, check);
      hot.ReadChunks({token, Canonical(kSol)}, absl::InfinitePast(), absl::InfiniteFuture(),
                     [&](const CandleChunk& chunk) { EXPECT_EQ(chunk.Candles().size(), chunk.size()); });
      fold.SetWatched(token, i % 3 == 0);
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(reads, 0u);
  EXPECT_EQ(fold.counts().trades, log.size());
}

}  // namespace
}  // namespace tokenwatch::pricing

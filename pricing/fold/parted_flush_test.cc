// What a restart, a replica that takes over, and a fold whose flush failed make of a database that has some parts of a
// flush and not its end: in the end the tables are those of a plain computation from the whole log.
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "pricing/fold/fold.h"
#include "pricing/testing/fake_database.h"
#include "pricing/testing/reference_fold.h"
#include "pricing/testing/trades.h"

namespace tokenwatch::pricing {
namespace {

using testing::FakeDatabase;
using testing::ReferenceTables;

class NoListener : public FoldListener {
 public:
  void OnPrices(absl::Span<const chain::TokenRef>) override {}
};

std::optional<double> Usd(const chain::TokenRef&, absl::Time) { return 100; }

// One process over a log, of whose flushes many end in the middle.
class Life {
 public:
  Life(const std::vector<Trade>& log, const FoldOptions& options, FakeDatabase& database)
      : log_(log), database_(database), fold_(options, hot_, Usd, database, listener_) {
    database.Restore(fold_);
    cursor_ = database.checkpoint.redo_cursor;
  }

  bool at_end() const { return cursor_ >= log_.back().cursor; }

  void Apply(size_t count) {
    TradeBatch batch;
    for (const Trade& trade : log_) {
      if (trade.cursor <= cursor_) continue;
      if (batch.trades.size() == count) break;
      batch.trades.push_back(trade);
      batch.cursor = trade.cursor;
    }
    if (!batch.trades.empty() && fold_.Apply(batch).ok()) cursor_ = batch.cursor;
  }
  Flush Collect(size_t max_rows, bool everything) {
    return fold_.CollectFlush(database_.checkpoint.flush, max_rows, everything);
  }
  void End(const Flush& flush) {
    ASSERT_TRUE(database_.Write(flush).ok());
    fold_.FlushWritten(flush);
  }
  void FlushAll() {
    for (int i = 0; i < 10'000; ++i) {
      const Flush flush = Collect(7, true);
      ASSERT_NO_FATAL_FAILURE(End(flush));
      if (flush.rows() == 0 && flush.checkpoint.redo_cursor == flush.checkpoint.cursor) return;
    }
    FAIL() << "flushing does not end";
  }
  Fold& fold() { return fold_; }

 private:
  const std::vector<Trade>& log_;
  FakeDatabase& database_;
  NoListener listener_;
  HotSet hot_{3};
  Fold fold_;
  uint64_t cursor_ = 0;
};

TEST(PartedFlushTest, PartsWithoutTheirEndAreHarmless) {
  uint64_t failed = 0, died = 0, ahead = 0;
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937_64 random(seed);
    const std::vector<Trade> log = testing::MessyTrades(seed, 50 + random() % 250);
    FoldOptions options;
    options.persist_trades = 1 + random() % 12;
    options.persist_usd = 1e30;
    options.row_interval = absl::Minutes(1 + random() % 200);
    options.idle = absl::Minutes(1 + random() % 150);
    options.max_hot = random() % 2 == 0 ? 2 + random() % 20 : 1000;
    options.max_dirty = random() % 2 == 0 ? 1 + random() % 20 : 1000;
    options.max_dead_parked = random() % 30;
    FakeDatabase database(log);
    auto life = std::make_unique<Life>(log, options, database);
    auto follower = std::make_unique<Life>(log, options, database);
    while (!life->at_end()) {
      life->Apply(1 + random() % 12);
      if (random() % 2 == 0) follower->Apply(1 + random() % 12);
      if (random() % 3 != 0 && !life->fold().wants_flush()) continue;
      const Flush flush = life->Collect(2 + random() % 20, random() % 5 == 0);
      const uint64_t outcome = random() % 4;
      if (outcome < 2) {
        ASSERT_NO_FATAL_FAILURE(life->End(flush));
        continue;
      }
      const uint64_t bit = random() % 8;
      const absl::Status part = database.WritePart(
          flush, [&](const SeriesKey& key) { return absl::Uint128Low64(FingerprintOf(key)) >> bit & 1; });
      ASSERT_TRUE(part.ok()) << part;
      ahead += flush.series.size();
      if (outcome == 2) {
        life->fold().FlushFailed(flush);
        ++failed;
      } else {
        // Who takes over has folded less than what is there, or has all of it before it.
        life = std::exchange(follower, std::make_unique<Life>(log, options, database));
        life->fold().Covered(database.checkpoint);
        ++died;
      }
    }
    ASSERT_NO_FATAL_FAILURE(life->FlushAll());
    const ReferenceTables expected = testing::FoldPlainly(log, options, Usd, {});
    EXPECT_TRUE(database.rows == expected.rows);
    EXPECT_TRUE(database.chunks == expected.chunks);
    EXPECT_TRUE(database.Parked() == expected.parked);
    EXPECT_EQ(database.checkpoint.cursor, expected.checkpoint.cursor);
    EXPECT_EQ(database.checkpoint.redo_cursor, expected.checkpoint.redo_cursor);
    EXPECT_EQ(database.checkpoint.newest_event, expected.checkpoint.newest_event);
    if (HasFailure()) return;
  }
  EXPECT_GT(failed, 500u);
  EXPECT_GT(died, 500u);
  EXPECT_GT(ahead, 500u) << "too few parts had rows to prove anything";
}

}  // namespace
}  // namespace tokenwatch::pricing

// The fold against everything that can happen to it: random logs folded by replicas that are killed, fail over, flush
// at any moment with any outcome, forget what is idle, and look at a database that others write. At the end the tables
// must be those of an undisturbed run, and of a plain computation from the whole log.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
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
  void OnPrices(absl::Span<const chain::TokenRef> tokens) override { told += tokens.size(); }
  size_t told = 0;
};

// A price that moves with the hours, and is not known now and then.
std::optional<double> Usd(const chain::TokenRef& asset, absl::Time at) {
  const int64_t hour = absl::ToUnixSeconds(at) / 3600;
  if (hour % 5 == 0) return std::nullopt;
  return asset.address.text() == testing::kSol ? 150.0 + static_cast<double>(hour % 7) : 1.0;
}

struct Session {
  std::vector<Trade> log;
  FoldOptions options;
  absl::flat_hash_set<chain::TokenRef> watched;
};

Session MakeSession(uint64_t seed) {
  std::mt19937_64 random(seed * 7919 + 1);
  Session session;
  session.log = testing::MessyTrades(seed, 50 + random() % 250);
  FoldOptions& options = session.options;
  options.persist_trades = 1 + random() % 12;
  options.persist_usd = random() % 2 == 0 ? 1e30 : 50;
  options.row_interval = absl::Minutes(1 + random() % 200);
  options.idle = absl::Minutes(1 + random() % 150);
  options.max_hot = random() % 2 == 0 ? 2 + random() % 20 : 1000;
  options.max_bytes = random() % 3 == 0 ? 20'000 : 10'000'000;
  options.max_dirty = random() % 2 == 0 ? 1 + random() % 20 : 1000;
  options.max_dead_parked = random() % 30;
  for (uint64_t token = 0; token < 50; ++token) {
    if (random() % 10 == 0) session.watched.insert(testing::TokenNumber(token));
  }
  return session;
}

// One process: a fold, and the hot set that it fills.
class Replica {
 public:
  Replica(const Session& session, FakeDatabase& database)
      : session_(session), database_(database), fold_(session.options, hot_, Usd, database, listener_) {
    for (const chain::TokenRef& token : session.watched) fold_.SetWatched(token, true);
    database.Restore(fold_);
    cursor_ = database.checkpoint.redo_cursor;
  }

  bool at_end() const { return cursor_ >= session_.log.back().cursor; }

  // Up to `count` trades; false when the fold does not take them now.
  bool Apply(size_t count) {
    TradeBatch batch;
    for (const Trade& trade : session_.log) {
      if (trade.cursor <= cursor_) continue;
      if (batch.trades.size() == count) break;
      batch.trades.push_back(trade);
      batch.cursor = trade.cursor;
    }
    if (batch.trades.empty()) return true;
    const Checkpoint before = fold_.position();
    const absl::Status status = fold_.Apply(batch);
    if (!status.ok()) {
      EXPECT_TRUE(absl::IsUnavailable(status) || absl::IsResourceExhausted(status)) << status;
      EXPECT_EQ(fold_.position(), before);
      return false;
    }
    cursor_ = batch.cursor;
    return true;
  }

  Flush Collect(size_t max_rows, bool everything) {
    return fold_.CollectFlush(database_.checkpoint.flush, max_rows, everything);
  }
  void FlushAll() {
    for (int i = 0; i < 10'000; ++i) {
      const Flush flush = Collect(7, true);
      ASSERT_TRUE(database_.Write(flush).ok());
      fold_.FlushWritten(flush);
      if (flush.rows() == 0 && flush.checkpoint.redo_cursor == flush.checkpoint.cursor) return;
    }
    FAIL() << "flushing does not end";
  }
  Fold& fold() { return fold_; }
  HotSet& hot() { return hot_; }

 private:
  const Session& session_;
  FakeDatabase& database_;
  NoListener listener_;
  HotSet hot_{3};
  Fold fold_;
  uint64_t cursor_ = 0;
};

void Undisturbed(const Session& session, FakeDatabase& database) {
  Replica replica(session, database);
  while (!replica.at_end()) {
    if (replica.Apply(16) && !replica.fold().wants_flush()) continue;
    const Flush flush = replica.Collect(50, false);
    ASSERT_TRUE(database.Write(flush).ok());
    replica.fold().FlushWritten(flush);
  }
  replica.FlushAll();
}

// Two replicas, of which the first writes.
class Disturbance {
 public:
  Disturbance(const Session& session, FakeDatabase& database, uint64_t seed)
      : session_(session), database_(database), random_(seed) {
    writer_ = std::make_unique<Replica>(session, database);
    follower_ = std::make_unique<Replica>(session, database);
  }

  void Run() {
    for (int step = 0; step < 100'000; ++step) {
      if (writer_->at_end()) break;
      Step();
      if (::testing::Test::HasFailure()) return;
    }
    database_.outage = absl::OkStatus();
    if (in_flight_) End(random_() % 2 == 0);
    writer_->FlushAll();
  }

 private:
  bool Chance(int percent) { return random_() % 100 < static_cast<uint64_t>(percent); }

  void Step() {
    database_.outage = Chance(5) ? absl::UnavailableError("no database") : absl::OkStatus();
    const uint64_t what = random_() % 100;
    if (what < 55) {
      writer_->Apply(1 + random_() % 12);
    } else if (what < 75) {
      follower_->Apply(1 + random_() % 12);
      if (Chance(30)) follower_->fold().Covered(database_.checkpoint);
    } else if (what < 96) {
      if (!in_flight_) {
        in_flight_ = std::make_unique<Flush>(writer_->Collect(1 + random_() % 20, Chance(5)));
        EXPECT_LE(in_flight_->checkpoint.redo_cursor, in_flight_->checkpoint.cursor);
        EXPECT_GE(in_flight_->checkpoint.redo_cursor, redo_);
        if (Chance(40)) return;
      }
      End(Chance(75));
    } else if (what < 98) {
      Die();
      writer_ = std::make_unique<Replica>(session_, database_);
    } else if (what < 99) {
      Depose();
    } else {
      Die();
      follower_->fold().Covered(database_.checkpoint);
      writer_ = std::move(follower_);
      follower_ = std::make_unique<Replica>(session_, database_);
    }
  }

  // A flush in flight ends as it happens to: done, not done, or done and nobody knows.
  void End(bool written) {
    if (written) {
      Write();
      // What a restart needs of the log never grows, unless nobody knew what was written.
      redo_ = database_.checkpoint.redo_cursor;
      writer_->fold().FlushWritten(*in_flight_);
    } else {
      if (Chance(50)) Write();
      writer_->fold().FlushFailed(*in_flight_);
    }
    in_flight_.reset();
  }
  // The writer loses the lead, and follows with what it has in memory.
  void Depose() {
    if (in_flight_) End(false);
    redo_ = database_.checkpoint.redo_cursor;
    std::swap(writer_, follower_);
    writer_->fold().Covered(database_.checkpoint);
  }
  void Write() { EXPECT_TRUE(database_.Write(*in_flight_).ok()); }
  void Die() {
    if (in_flight_ && Chance(50)) Write();
    in_flight_.reset();
    writer_.reset();
    redo_ = database_.checkpoint.redo_cursor;
  }

  const Session& session_;
  FakeDatabase& database_;
  std::mt19937_64 random_;
  std::unique_ptr<Replica> writer_;
  std::unique_ptr<Replica> follower_;
  std::unique_ptr<Flush> in_flight_;
  uint64_t redo_ = 0;
};

template <typename Database>
void ExpectTables(const ReferenceTables& expected, const Database& database, const std::string& whose) {
  SCOPED_TRACE(whose);
  ASSERT_EQ(database.rows.size(), expected.rows.size());
  for (const auto& [key, series] : expected.rows) {
    const auto row = database.rows.find(key);
    ASSERT_TRUE(row != database.rows.end()) << key.token.address.text();
    const Series& actual = row->second;
    EXPECT_EQ(actual.trades, series.trades);
    EXPECT_EQ(actual.cursor, series.cursor);
    EXPECT_EQ(actual.hot_score, series.hot_score);
    EXPECT_TRUE(actual.high == series.high);
    EXPECT_TRUE(actual.venues == series.venues);
    ASSERT_TRUE(actual == series) << key.token.address.text();
  }
  EXPECT_EQ(database.chunks.size(), expected.chunks.size());
  for (const auto& [place, packed] : expected.chunks) {
    const auto chunk = database.chunks.find(place);
    ASSERT_TRUE(chunk != database.chunks.end()) << place.first.token.address.text() << " " << place.second;
    ASSERT_EQ(chunk->second, packed) << place.first.token.address.text() << " " << place.second;
  }
  EXPECT_TRUE(database.Parked() == expected.parked);
  EXPECT_EQ(database.checkpoint.cursor, expected.checkpoint.cursor);
  EXPECT_EQ(database.checkpoint.redo_cursor, expected.checkpoint.redo_cursor);
  EXPECT_EQ(database.checkpoint.newest_event, expected.checkpoint.newest_event);
  EXPECT_EQ(database.checkpoint.log_began, expected.checkpoint.log_began);
}

// TOKENWATCH_FOLD_SEEDS sets how many sessions; TOKENWATCH_FOLD_SEED the first.
uint64_t Setting(const char* name, uint64_t by_default) {
  const char* text = std::getenv(name);
  if (text != nullptr && !absl::SimpleAtoi(text, &by_default)) ADD_FAILURE() << name << " is no number";
  return by_default;
}

TEST(FoldModelTest, DisturbedRunsEndAsUndisturbedOnes) {
  const uint64_t first = Setting("TOKENWATCH_FOLD_SEED", 1);
  const uint64_t count = Setting("TOKENWATCH_FOLD_SEEDS", 2000);
  uint64_t kept = 0, parked = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    const Session session = MakeSession(seed);
    const ReferenceTables expected = testing::FoldPlainly(session.log, session.options, Usd, session.watched);
    FakeDatabase undisturbed(session.log);
    Undisturbed(session, undisturbed);
    ExpectTables(expected, undisturbed, "undisturbed");
    FakeDatabase disturbed(session.log);
    Disturbance(session, disturbed, seed).Run();
    ExpectTables(expected, disturbed, "disturbed");
    if (HasFailure()) return;
    kept += expected.rows.size();
    parked += expected.parked.size();
  }
  // The sessions have both in good numbers, or they prove nothing.
  EXPECT_GT(kept, count);
  EXPECT_GT(parked, count);
}

}  // namespace
}  // namespace tokenwatch::pricing

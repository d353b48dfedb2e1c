// Flushes that two sessions write, and what may happen between their commits.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/postgres/connection.h"
#include "common/testing/tcp_gate.h"
#include "common/testing/wait_for.h"
#include "pricing/pg_store/fixture_for_test.h"
#include "pricing/pg_store/flush_parts.h"

namespace tokenwatch::pricing {
namespace {

constexpr uint64_t kSeries = 40;

class PgPartsTest : public PgStoreTest {
 protected:
  void SetUp() override {
    PgStoreTest::SetUp();
    parted_ = Open(cluster_->Dsn(database_, "pricing"), 2);
    ASSERT_NE(parted_, nullptr);
  }

  // All series traded once more.
  static Flush NextFlush(uint64_t number) {
    Flush flush = MakeFlush(number, {});
    for (uint64_t i = 0; i < kSeries; ++i) {
      flush.series.push_back(SampleSeries(i, 100 * number + i % 50));
      if (i % 3 == number % 3) flush.series.back().high = SamplePoint(95'000'000'000 + number, 100 * number);
      flush.chunks.push_back({SampleKey(i), absl::FromUnixSeconds(7200), absl::StrCat("chunk ", number), 3});
    }
    flush.parked.push_back({number, {number}});
    return flush;
  }
  // The same flushes up to `number`, each in one transaction, in a database of their own.
  std::string ContentsAfter(uint64_t number) {
    const std::string mine = database_;
    database_ = absl::StrCat(mine, "plain", ++plain_);
    EXPECT_TRUE(cluster_->CreateDatabase(database_).ok());
    EXPECT_TRUE(cluster_->CreateRole("pricing", database_).ok());
    auto store = Open(cluster_->Dsn(database_, "pricing"));
    auto session = Lead(*store);
    for (uint64_t flush = 1; flush <= number; ++flush) EXPECT_TRUE(session->Write(NextFlush(flush)).ok());
    std::string contents = Contents();
    database_ = mine;
    return contents;
  }
  std::unique_ptr<WriteSession> LeadSoon() {
    std::unique_ptr<WriteSession> session;
    EXPECT_TRUE(common::WaitFor([&] { return (session = Lead(*parted_)) != nullptr; }));
    return session;
  }
  std::string CheckpointText() {
    return Value("SELECT concat_ws(' ', flush, cursor, redo_cursor) FROM pricing.checkpoints");
  }
  static constexpr char kLeader[] =
      "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = "
      "(SELECT oid FROM pg_database WHERE datname = current_database())";
  void End(const std::string& pid) {
    ASSERT_EQ(Value(absl::StrCat("SELECT pg_terminate_backend((", pid, "), 5000)")), "t");
  }
  // The newest session but the leader's.
  std::string Helper() {
    return Value(
        absl::StrCat("SELECT pid FROM pg_stat_activity WHERE usename = 'pricing' AND datname = "
                     "current_database() AND pid <> (",
                     kLeader, ") ORDER BY backend_start DESC LIMIT 1"));
  }
  // A transaction that keeps a series from being written.
  class Blocker {
   public:
    Blocker(const std::string& dsn, const SeriesKey& key) {
      common::ConnectionOptions options;
      options.dsn = dsn;
      auto connection = common::Connection::Open(options, Soon());
      EXPECT_TRUE(connection.ok()) << connection.status();
      connection_ = *std::move(connection);
      EXPECT_TRUE(connection_->QuerySql("begin", "BEGIN", Soon()).ok());
      EXPECT_TRUE(connection_
                      ->QuerySql("lock",
                                 absl::StrCat("SELECT FROM pricing.token_prices WHERE address = '",
                                              key.token.address.text(), "' FOR UPDATE"),
                                 Soon())
                      .ok());
    }
    void Release() { EXPECT_TRUE(connection_->QuerySql("end", "COMMIT", Soon()).ok()); }

   private:
    std::unique_ptr<common::Connection> connection_;
  };
  // How many of the service's sessions wait for a lock.
  bool AwaitWaiting(const std::string& count) {
    return common::WaitFor([&] {
      return Value(
                 "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'pricing' "
                 "AND wait_event_type = 'Lock'") == count;
    });
  }

  std::unique_ptr<PgStore> parted_;
  int plain_ = 0;
};

TEST_F(PgPartsTest, TheyLeaveWhatOneTransactionDoes) {
  auto session = Lead(*parted_);
  for (uint64_t number = 1; number <= 4; ++number) ASSERT_TRUE(session->Write(NextFlush(number)).ok());
  EXPECT_EQ(*session->ReadCheckpoint(), NextFlush(4).checkpoint);
  EXPECT_EQ(Contents(), ContentsAfter(4));
  // The numbers of flushes hold here too.
  for (const uint64_t number : {uint64_t{4}, uint64_t{6}}) {
    EXPECT_EQ(session->Write(NextFlush(number)).code(), absl::StatusCode::kAborted);
  }
  EXPECT_EQ(Contents(), ContentsAfter(4));
}

TEST_F(PgPartsTest, WithoutTheHelperNothingIsWrittenAndARetryWritesAll) {
  auto session = Lead(*parted_);
  ASSERT_TRUE(session->Write(NextFlush(1)).ok());
  End(Helper());
  const absl::Status status = session->Write(NextFlush(2));
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(CheckpointText(), "1 200 50") << "a restart folds from where it would have";
  EXPECT_EQ(Value("SELECT max(cursor) < 200 FROM pricing.token_prices"), "t");
  End(kLeader);
  EXPECT_FALSE(session->Ping().ok());
  session = LeadSoon();
  ASSERT_TRUE(session->Write(NextFlush(2)).ok());
  EXPECT_EQ(Contents(), ContentsAfter(2));
}

TEST_F(PgPartsTest, ALostHelperIsNoticed) {
  auto session = Lead(*parted_);
  ASSERT_TRUE(session->Write(NextFlush(1)).ok());
  EXPECT_TRUE(session->Ping().ok());
  End(Helper());
  EXPECT_TRUE(absl::IsUnavailable(session->Ping()));
}

TEST_F(PgPartsTest, WhatTheHelperWroteBeforeTheLeaderDiedIsWholeAndWrittenAgain) {
  auto session = Lead(*parted_);
  ASSERT_TRUE(session->Write(NextFlush(1)).ok());
  const Flush flush = NextFlush(2);
  const std::vector<FlushPart> parts = CutFlush(flush, 2);
  Blocker blocker(cluster_->Dsn(database_), parts[0].series.back()->key);
  absl::Status status;
  std::thread writing([&] { status = session->Write(flush); });
  // The helper has committed when only the leader is left, waiting.
  const std::string ahead = "SELECT count(*) FROM pricing.token_prices WHERE cursor >= 200";
  EXPECT_TRUE(common::WaitFor([&] { return Value(ahead) == absl::StrCat(parts[1].series.size()); }));
  EXPECT_TRUE(AwaitWaiting("1"));
  End(kLeader);
  writing.join();
  blocker.Release();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(CheckpointText(), "1 200 50");
  // Rows are ahead of the redo cursor, not of the cursor, and never without their candles.
  EXPECT_EQ(Value("SELECT count(*) FROM pricing.token_prices p JOIN pricing.candles c USING (chain, address, quote) "
                  "WHERE (p.cursor >= 200) <> (c.packed = 'chunk 2')"),
            "0");
  EXPECT_EQ(Value("SELECT count(*) FROM pricing.parked_trades"), "1");
  session = LeadSoon();
  EXPECT_EQ(session->ReadCheckpoint()->flush, 1u);
  ASSERT_TRUE(session->Write(NextFlush(2)).ok());
  EXPECT_EQ(Contents(), ContentsAfter(2));
}

TEST_F(PgPartsTest, WhoLeadsNextWaitsForAHelperThatIsStillAtWork) {
  auto session = Lead(*parted_);
  ASSERT_TRUE(session->Write(NextFlush(1)).ok());
  const Flush late = NextFlush(2);
  const std::vector<FlushPart> parts = CutFlush(late, 2);
  Blocker blocker(cluster_->Dsn(database_), parts[1].series.back()->key);
  absl::Status status;
  std::thread writing([&] { status = session->Write(late); });
  EXPECT_TRUE(AwaitWaiting("1"));
  End(kLeader);
  auto next = LeadSoon();
  // The next leader has folded more. Its flush must come after what the helper still writes, or chunks would go back.
  Flush newer = NextFlush(3);
  newer.checkpoint.flush = 2;
  absl::Status status_of_next;
  std::thread writing_next([&] { status_of_next = next->Write(newer); });
  EXPECT_TRUE(AwaitWaiting("2"));
  EXPECT_EQ(CheckpointText(), "1 200 50");
  blocker.Release();
  writing.join();
  writing_next.join();
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(status_of_next.ok()) << status_of_next;
  EXPECT_EQ(*next->ReadCheckpoint(), newer.checkpoint);
  EXPECT_EQ(Value("SELECT count(*) FROM pricing.token_prices WHERE cursor >= 300"), absl::StrCat(kSeries));
  EXPECT_EQ(Value("SELECT count(*) FROM pricing.candles WHERE packed = 'chunk 3'"), absl::StrCat(kSeries));
}

TEST_F(PgPartsTest, AHelperOfAnEarlierTryIsRefused) {
  auto session = Lead(*parted_);
  ASSERT_TRUE(session->Write(NextFlush(1)).ok());
  // As when another leader begins the same flush before the helper gets to its part.
  Value(
      "CREATE FUNCTION pricing.begin_again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "UPDATE pricing.checkpoints SET attempt = -1; RETURN NULL; END $$; "
      "CREATE TRIGGER again AFTER UPDATE ON pricing.checkpoints FOR EACH ROW WHEN (NEW.attempt > 0) "
      "EXECUTE FUNCTION pricing.begin_again(); SELECT 1");
  EXPECT_EQ(session->Write(NextFlush(2)).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(CheckpointText(), "1 200 50");
  EXPECT_EQ(Value("SELECT max(cursor) < 200 FROM pricing.token_prices"), "t");
}

// A connection that is cut at any byte leaves parts at most, each of them whole, and the checkpoint tells.
TEST_F(PgPartsTest, ACutConnectionLeavesWholePartsAtMost) {
  auto gate = common::TcpGate::Start(cluster_->port());
  ASSERT_TRUE(gate.ok()) << gate.status();
  parted_ = Open(cluster_->DsnThrough((*gate)->port(), database_, "pricing"), 2);
  // All of about the same length.
  const auto make = [](uint64_t number) {
    Flush flush = NextFlush(number);
    for (Series& series : flush.series) series = {};
    for (uint64_t i = 0; i < kSeries; ++i) flush.series[i] = SampleSeries(i, 5000 + number);
    return flush;
  };
  Value("UPDATE pricing.checkpoints SET flush = 9; SELECT 1");
  uint64_t number = 9;
  // Sessions that know as much of what was written as those that come after a cut.
  std::unique_ptr<WriteSession> session;
  int64_t length = 0;
  for (int i = 0; i < 2; ++i) {
    session.reset();
    session = LeadSoon();
    const int64_t from = (*gate)->bytes_passed();
    ASSERT_TRUE(session->Write(make(++number)).ok());
    length = (*gate)->bytes_passed() - from;
  }
  std::vector<int64_t> cuts;
  // The answer to the last commit is about 17 bytes.
  for (int64_t back = 0; back < 36; back += 4) cuts.push_back(length - back);
  for (int64_t cut = 1; cut < length; cut += length / 15) cuts.push_back(cut);
  int kept = 0, undone = 0;
  for (const int64_t cut : cuts) {
    SCOPED_TRACE(absl::StrCat("cut after ", cut, " of ", length, " bytes"));
    session.reset();
    session = LeadSoon();
    const Checkpoint before = *session->ReadCheckpoint();
    (*gate)->CutAfter(cut);
    const absl::Status status = session->Write(make(++number));
    (*gate)->Pass();
    session.reset();
    session = LeadSoon();
    const auto checkpoint = session->ReadCheckpoint();
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    if (checkpoint->flush == number) {
      ++kept;
      EXPECT_TRUE(status.ok() || absl::IsUnknown(status)) << status;
    } else {
      ++undone;
      EXPECT_FALSE(status.ok());
      EXPECT_EQ(checkpoint->flush, number - 1);
      EXPECT_EQ(checkpoint->redo_cursor, before.redo_cursor);
      EXPECT_EQ(Value(absl::StrCat("SELECT count(*) FROM pricing.token_prices p JOIN pricing.candles c USING (chain, "
                                   "address, quote) WHERE (p.cursor = ",
                                   5000 + number, ") <> (c.packed = 'chunk ", number, "')")),
                "0");
      ASSERT_TRUE(session->Write(make(number)).ok());
    }
    EXPECT_EQ(*session->ReadCheckpoint(), make(number).checkpoint);
    EXPECT_EQ(Value("SELECT concat_ws(' ', min(cursor), max(cursor), (SELECT count(DISTINCT packed) FROM "
                    "pricing.candles), (SELECT count(*) FROM pricing.parked_trades)) FROM pricing.token_prices"),
              absl::StrCat(5000 + number, " ", 5000 + number, " 1 ", number - 9));
  }
  EXPECT_GT(kept, 0);
  EXPECT_GT(undone, 0);
}

}  // namespace
}  // namespace tokenwatch::pricing

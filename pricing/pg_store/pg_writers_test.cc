// Writers that get into each other's way, and into the network's.
#include <atomic>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "common/testing/tcp_gate.h"
#include "common/testing/wait_for.h"
#include "pricing/pg_store/fixture_for_test.h"
#include "pricing/pg_store/schema.h"
#include "pricing/pg_store/series_merge.h"

namespace tokenwatch::pricing {
namespace {

std::vector<const Series*> PointersTo(const std::vector<Series>& rows) {
  std::vector<const Series*> pointers;
  for (const Series& row : rows) pointers.push_back(&row);
  return pointers;
}

// Sessions of their own each, because the store itself has one writing session only.
TEST_F(PgStoreTest, SixtyFourWritersInAnyOrderLeaveTheTrueHigh) {
  constexpr uint64_t kWriters = 64;
  constexpr uint64_t kSeries = 5;
  constexpr int kRounds = 2;
  // Many at the same rows wait for each other, longer on a busy machine.
  const absl::Time deadline = absl::Now() + absl::Seconds(90);
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (uint64_t writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      common::ConnectionOptions options;
      // With the settings of the real ones: they fix the order in which rows are locked, or many would lock each other
      // out, a second each time until the server notices.
      options.dsn = SessionDsn(cluster_->Dsn(database_, "pricing"));
      options.connect_timeout = absl::Seconds(60);
      options.statement_timeout = absl::Seconds(60);
      auto connection = common::Connection::Open(options, deadline);
      if (!connection.ok()) {
        ++failures;
        return;
      }
      const auto merge = SeriesMerge::Open(**connection, deadline);
      if (!merge.ok()) {
        ++failures;
        return;
      }
      std::mt19937_64 random(writer);
      for (int round = 0; round < kRounds; ++round) {
        std::vector<Series> rows;
        for (uint64_t number = 0; number < kSeries; ++number) {
          // Each high occurs once in all, the highest at writer 17 in its last round, whatever its cursor.
          Series series = SampleSeries(number, 1 + random() % 1000);
          const uint64_t rank = writer == 17 && round == kRounds - 1 ? 1'000'000 : random() % 999'999;
          PricePoint high = SamplePoint(1'000'000 + rank, 1 + random() % 1000);
          high.ratio.token_units = 7;
          series.high = high;
          rows.push_back(series);
        }
        absl::Status status;
        do {
          status = (*connection)->Transact("merge", deadline, [&](common::Transaction& transaction) {
            return (*merge)->Write(transaction, PointersTo(rows));
          });
        } while (absl::IsAborted(status));  // two that lock each other out
        if (!status.ok()) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(Value("SELECT string_agg(DISTINCT high_quote_units || '/' || high_token_units, ' ') || ' ' || count(*) || "
                  "' ' || bool_and(cursor > 0) FROM pricing.token_prices"),
            "2000000/7 5 true");
}

TEST_F(PgStoreTest, OneProcessWritesAtATime) {
  auto other = Open(cluster_->Dsn(database_, "pricing"));
  auto session = Lead(*store_);
  EXPECT_EQ(Lead(*other), nullptr);
  // Who ends gives the lock back as soon as the server notices.
  session.reset();
  std::unique_ptr<WriteSession> next;
  ASSERT_TRUE(common::WaitFor([&] { return (next = Lead(*other)) != nullptr; }));
  EXPECT_TRUE(next->Ping().ok());
  EXPECT_EQ(Lead(*store_), nullptr);
  // The server ends the leader's session, as when its machine has gone.
  ASSERT_EQ(Value("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_locks WHERE locktype = 'advisory' AND granted "
                  "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"),
            "1");
  EXPECT_EQ(next->Ping().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(Lead(*store_), nullptr);
}

// A connection that is cut at any byte leaves all of a flush or nothing, and the checkpoint tells which.
TEST_F(PgStoreTest, ACutConnectionLeavesAllOfAFlushOrNothing) {
  auto gate = common::TcpGate::Start(cluster_->port());
  ASSERT_TRUE(gate.ok()) << gate.status();
  auto store = Open(cluster_->DsnThrough((*gate)->port(), database_, "pricing"));
  const auto make = [&](uint64_t number) {
    Flush flush = MakeFlush(number, {SampleSeries(1, 1000 + number), SampleSeries(2, 1000 + number)});
    flush.chunks.push_back({SampleKey(1), absl::FromUnixSeconds(7200), std::string(100, static_cast<char>(number)), 3});
    flush.parked.push_back({number, {number}});
    return flush;
  };
  uint64_t number = 1;
  auto session = Lead(*store);
  ASSERT_TRUE(session->Write(make(number)).ok());
  const int64_t from = (*gate)->bytes_passed();
  ASSERT_TRUE(session->Write(make(++number)).ok());
  const int64_t length = (*gate)->bytes_passed() - from;

  int kept = 0;
  int undone = 0;
  int in_doubt = 0;
  // The last are in the midst of the answer to COMMIT.
  std::vector<int64_t> cuts = {length - 8, length - 12};
  for (int64_t cut = 1; cut < length; cut += length / 12) cuts.push_back(cut);
  for (const int64_t cut : cuts) {
    SCOPED_TRACE(absl::StrCat("cut after ", cut, " of ", length, " bytes"));
    const std::string before = Contents();
    (*gate)->CutAfter(cut);
    const absl::Status status = session->Write(make(++number));
    EXPECT_TRUE(absl::IsUnknown(status) || absl::IsUnavailable(status)) << status;
    in_doubt += absl::IsUnknown(status);
    session.reset();
    // The server may still be at work on what it got.
    while (session == nullptr) session = Lead(*store);
    const auto checkpoint = session->ReadCheckpoint();
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    if (checkpoint->flush == number) {
      ++kept;
      EXPECT_TRUE(absl::IsUnknown(status)) << status;
    } else {
      ++undone;
      EXPECT_EQ(checkpoint->flush, number - 1);
      EXPECT_EQ(Contents(), before);
      ASSERT_TRUE(session->Write(make(number)).ok());
    }
    EXPECT_EQ(Value("SELECT concat_ws(' ', (SELECT flush FROM pricing.checkpoints), "
                    "(SELECT string_agg(cursor::text, ' ') FROM pricing.token_prices), "
                    "(SELECT encode(substr(packed, 1, 1), 'hex') FROM pricing.candles), "
                    "(SELECT count(*) FROM pricing.parked_trades))"),
              absl::StrCat(number, " ", 1000 + number, " ", 1000 + number, " ", absl::Hex(number, absl::kZeroPad2), " ",
                           number));
  }
  EXPECT_GT(kept, 0);
  EXPECT_GT(undone, 0);
  EXPECT_GT(in_doubt, 0);
}

}  // namespace
}  // namespace tokenwatch::pricing

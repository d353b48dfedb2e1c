// Recorded sessions replay to exactly what is known to be in them, and to the same bytes every time.
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/functional/harness.h"
#include "tests/functional/recordings.h"
#include "tests/functional/tables.h"

namespace tokenwatch::functional {
namespace {

using Counts = std::map<std::string, size_t>;

class ReplayTest : public ::testing::Test {
 protected:
  // Replays twice, each time into a fresh database; the tables must be the same bytes. The tables of the first.
  Tables ReplayTwice(const std::string& recording, const std::vector<std::string>& flags) {
    platform_.AddDatabase("again");
    platform_.Replay(recording, "platform", flags);
    platform_.Replay(recording, "again", flags);
    Tables first = DumpTables(platform_.cluster(), "platform");
    ExpectSameTables(first, DumpTables(platform_.cluster(), "again"));
    return first;
  }

  // "value rows, value rows, ..." of an expression over a table.
  std::string CountsBy(const std::string& expression, const std::string& table) {
    return platform_.Value("SELECT string_agg(v || ' ' || n, ', ' ORDER BY v) FROM (SELECT " + expression +
                           " v, count(*) n FROM detector." + table + " GROUP BY 1) k");
  }

  Platform platform_;
};

TEST_F(ReplayTest, PumpPortalSessionGivesItsKnownRowsTwice) {
  ASSERT_TRUE(platform_.ok());
  const Tables tables = ReplayTwice(PumpPortalSession(), {"--recording_default_feed=pumpportal"});
  // 139 frames: 2 acknowledgements and the refusal of a third subscription, 129 creates of pump.fun of which 7 carry
  // the mint of USDC and one has a blank for its name, 1 create of another launchpad, and 6 migrations, two of them of
  // tokens that were launched a frame before.
  EXPECT_EQ(RowCounts(tables), (Counts{{"consumers", 0},
                                       {"detected_tokens", 122},
                                       {"feed_positions", 1},
                                       {"log_heads", 1},
                                       {"pending_tokens", 5},
                                       {"quarantined_frames", 8},
                                       {"token_events", 133},
                                       {"token_totals", 2},
                                       {"trades", 0}}));
  EXPECT_EQ(CountsBy("kind", "token_events"), "discovered 4, launched 123, migrated 6");
  EXPECT_EQ(CountsBy("origin || ' ' || name_source", "detected_tokens"), "launch launch 122");
  EXPECT_EQ(CountsBy("origin", "pending_tokens"), "launch 1, migration 4");
  EXPECT_EQ(CountsBy("venue", "detected_tokens"), "bonk 1, pump 121");
  EXPECT_EQ(CountsBy("migrated_to", "detected_tokens"), " 120, pump-amm 2");
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM detector.pending_tokens WHERE migrated_to = 'pump-amm' AND "
                            "migrated_at IS NOT NULL AND migration_transaction <> ''"),
            4);
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM detector.pending_tokens WHERE name LIKE '(unnamed ________)'"), 5);
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM detector.detected_tokens WHERE is_mayhem"), 29);
  EXPECT_EQ(CountsBy("reason", "quarantined_frames"), "quote_token_launch 7, refused 1");
  EXPECT_EQ(platform_.Value("SELECT frames FROM detector.feed_positions"), "139");
  EXPECT_EQ(platform_.Value("SELECT token_cursor || ' ' || trade_cursor || ' ' || quarantine_id FROM "
                            "detector.log_heads"),
            "133 0 8");
}

TEST_F(ReplayTest, ProgramLogsGiveTheirKnownRowsTwice) {
  ASSERT_TRUE(platform_.ok());
  const Tables tables = ReplayTwice(ProgramLogs(), {"--recording_default_feed=solana"});
  // 98 frames, 31 of them failed transactions: 12 creates, all named, and 61 trades, of the 12 and of 21 other tokens.
  EXPECT_EQ(RowCounts(tables), (Counts{{"consumers", 0},
                                       {"detected_tokens", 12},
                                       {"feed_positions", 1},
                                       {"log_heads", 1},
                                       {"pending_tokens", 21},
                                       {"quarantined_frames", 0},
                                       {"token_events", 33},
                                       {"token_totals", 2},
                                       {"trades", 61}}));
  EXPECT_EQ(CountsBy("kind", "token_events"), "discovered 21, launched 12");
  EXPECT_EQ(CountsBy("origin", "pending_tokens"), "trade 21");
  EXPECT_EQ(platform_.Value("SELECT count(DISTINCT (transaction, event_index)) FROM detector.trades"), "61");
  EXPECT_EQ(platform_.Value("SELECT min(cursor) || ' ' || max(cursor) || ' ' || count(DISTINCT cursor) FROM "
                            "detector.trades"),
            "1 61 61");
  EXPECT_EQ(platform_.Value("SELECT frames FROM detector.feed_positions"), "98");
}

TEST_F(ReplayTest, ReplayingTheSameFileAgainChangesNothing) {
  ASSERT_TRUE(platform_.ok());
  platform_.Replay(ProgramLogs());
  const Tables once = DumpTables(platform_.cluster(), "platform");
  platform_.Replay(ProgramLogs());
  ExpectSameTables(once, DumpTables(platform_.cluster(), "platform"));
}

TEST_F(ReplayTest, GzipAndPlainGiveTheSameTablesButForTheirPosition) {
  ASSERT_TRUE(platform_.ok());
  platform_.AddDatabase("again");
  sim::Options options;
  options.launches = 50;
  options.trades = 3000;
  options.pumpportal_feed = true;
  const Session session = Simulate(options);
  platform_.Replay(WriteRecording(platform_.dir() / "session.jsonl", session.lines));
  platform_.Replay(WriteRecording(platform_.dir() / "session.jsonl.gz", session.lines), "again");
  Tables plain = DumpTables(platform_.cluster(), "platform");
  Tables gzip = DumpTables(platform_.cluster(), "again");
  EXPECT_EQ(plain["trades"].size(), session.truth.trades);
  // A position is saved under the file's content.
  plain.erase("feed_positions");
  gzip.erase("feed_positions");
  ExpectSameTables(plain, gzip);
}

}  // namespace
}  // namespace tokenwatch::functional

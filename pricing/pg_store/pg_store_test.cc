#include "pricing/pg_store/pg_store.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pricing/pg_store/fixture_for_test.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kMaxAmount[] = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

// A series with everything that the usual one has not.
Series UnusualSeries() {
  Series series = SampleSeries(77, 5000);
  const chain::Amount most = *chain::Amount::Parse(kMaxAmount);
  series.key.token = {chain::Chain::kBase, *chain::Address::ParseEvm("0x833589fcd6edb6e08f4c7c32d4f71b54bda02913")};
  PricePoint high = *series.high;
  high.ratio = {most, 1};
  high.from_reserves = false;
  high.is_mayhem = true;
  high.pool_quote.reset();
  series.high = high;
  PricePoint low = *series.low;
  low.ratio = {1, most};
  low.venue = Word("a-venue-of-23-letters-x");
  series.low = low;
  PricePoint last = *series.last;
  last.is_mayhem = true;
  last.pool_quote = most;
  series.last = last;
  series.quote_volume = most;
  series.hot_score = 1.2345678901234567e-300;
  series.is_partial = true;
  for (uint64_t trader = 0; trader < 1000; ++trader) series.traders.Add(SampleAddress(trader));
  VenueState unpriced;
  unpriced.venue = Word("pump-amm");
  unpriced.quote_volume = chain::Amount(5);
  unpriced.trades = 1;
  series.venues.push_back(unpriced);
  VenueState bare = series.venues[0];
  bare.venue = Word("raydium-cpmm");
  PricePoint of_trade = *bare.last;
  of_trade.venue = bare.venue;
  of_trade.pool_quote.reset();
  of_trade.from_reserves = false;
  of_trade.is_mayhem = true;
  bare.last = of_trade;
  series.venues.push_back(bare);
  return series;
}

Series UnpricedSeries() {
  Series series;
  series.key = SampleKey(78);
  series.first = series.newest = {SampleTime(9), 9};
  series.cursor = 9;
  series.trades = 1;
  return series;
}

TEST_F(PgStoreTest, SeriesComeBackAsTheyWereWritten) {
  const std::vector<Series> written = {SampleSeries(1, 100), UnusualSeries(), UnpricedSeries()};
  auto session = Lead(*store_);
  ASSERT_TRUE(session->Write(MakeFlush(1, written)).ok());
  std::vector<SeriesKey> keys = {SampleKey(12345)};
  for (const Series& series : written) keys.push_back(series.key);
  auto loaded = store_->LoadSeries(keys, Soon());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_THAT(*loaded, SizeIs(3));
  for (const Series& series : written) EXPECT_EQ(std::count(loaded->begin(), loaded->end(), series), 1);
  // And so does one that was read, written and read again.
  ASSERT_TRUE(session->Write(MakeFlush(2, *loaded)).ok());
  auto again = store_->LoadSeriesOf({written[1].key.token}, Soon());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(*again, ElementsAre(written[1]));

  std::vector<SeriesKey> persisted;
  ASSERT_TRUE(store_->VisitPersisted([&](const SeriesKey& key) { persisted.push_back(key); }, Soon()).ok());
  EXPECT_THAT(persisted, ::testing::UnorderedElementsAre(written[0].key, written[1].key, written[2].key));
}

TEST_F(PgStoreTest, RowsOfTheFirstVersionAreRead) {
  Series series = UnpricedSeries();
  series.candle_cursor = series.cursor;
  ASSERT_TRUE(Lead(*store_)->Write(MakeFlush(1, {series})).ok());
  // Version, first cursor, and what came between: how many trades the candles lack.
  ASSERT_EQ(Value("SELECT encode(substr(state, 1, 3), 'hex') FROM pricing.token_prices"), "020900");
  Value("UPDATE pricing.token_prices SET state = '\\x0109'::bytea || substr(state, 4) RETURNING 1");
  const auto loaded = store_->LoadSeries({series.key}, Soon());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_THAT(*loaded, ElementsAre(series));
  Value("UPDATE pricing.token_prices SET state = '\\x03'::bytea || substr(state, 2) RETURNING 1");
  EXPECT_EQ(store_->LoadSeries({series.key}, Soon()).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(PgStoreTest, TheTableSaysWhatPeopleAsk) {
  ASSERT_TRUE(Lead(*store_)->Write(MakeFlush(1, {SampleSeries(1, 100), UnusualSeries()})).ok());
  EXPECT_EQ(Value(absl::StrCat(
                "SELECT concat_ws(' ', high_quote_units, high_token_units, high_cursor, high_venue, last_quote_units, "
                "low_quote_units, quote_volume, trades, buys, traders, is_partial, "
                "(extract(epoch FROM high_at) * 1000000)::bigint, high_transaction) FROM pricing.token_prices "
                "WHERE address = '",
                SampleAddress(1).text(), "'")),
            absl::StrCat("90000000001 1072999999999998 2 pump 30000100001 29999999999 100000000 110 55 8 f ",
                         absl::ToUnixMicros(SampleTime(2)), " ", SampleTransaction(2).text()));
  EXPECT_EQ(Value("SELECT string_agg(concat_ws(' ', venue, last_quote_units, last_cursor, "
                  "(extract(epoch FROM last_at) * 1000000)::bigint, pool_quote, quote_reserve, quote_volume, trades), "
                  "'; ' ORDER BY venue) FROM pricing.markets WHERE chain = 'base'"),
            absl::StrCat("pump 30005000077 5000 ", absl::ToUnixMicros(SampleTime(5000)),
                         " 29975000077 30005000077 5000000000 10; pump-amm 5 1; raydium-cpmm 30005000077 5000 ",
                         absl::ToUnixMicros(SampleTime(5000)), " 5000000000 10"));
  // A venue that has the series' last price.
  EXPECT_EQ(Value("SELECT concat_ws(' ', m.venue, m.last_quote_units, m.last_token_units, m.last_at = p.last_at, "
                  "m.last_cursor, m.last_transaction, m.pool_quote, m.token_reserve, m.quote_reserve, m.trades) "
                  "FROM pricing.markets m JOIN pricing.token_prices p USING (chain, address) WHERE chain = 'solana'"),
            absl::StrCat("pump 30000100001 1072999999999900 t 100 ", SampleTransaction(100).text(),
                         " 29970100001 1072999999999900 30000100001 110"));
}

TEST_F(PgStoreTest, AWriteMovesTheCheckpointByOneOrDoesNothing) {
  auto session = Lead(*store_);
  EXPECT_EQ(*session->ReadCheckpoint(), Checkpoint());
  Flush first = MakeFlush(1, {SampleSeries(1, 100)});
  first.checkpoint.log_began = SampleTime(7);
  ASSERT_TRUE(session->Write(first).ok());
  EXPECT_EQ(*session->ReadCheckpoint(), first.checkpoint);
  EXPECT_EQ(*store_->ReadCheckpoint(Soon()), first.checkpoint);
  const std::string before = Contents();
  for (const uint64_t number : {uint64_t{1}, uint64_t{3}}) {
    EXPECT_EQ(session->Write(MakeFlush(number, {SampleSeries(2, 100)})).code(), absl::StatusCode::kAborted);
    EXPECT_EQ(Contents(), before);
  }
  ASSERT_TRUE(session->Write(MakeFlush(2, {SampleSeries(1, 200), SampleSeries(2, 150)})).ok());
  EXPECT_EQ(Value("SELECT string_agg(cursor::text, ' ' ORDER BY cursor) FROM pricing.token_prices"), "150 200");
}

TEST_F(PgStoreTest, ManyRowsAreOneFlushAndWritingThemAgainChangesNothing) {
  Flush flush = MakeFlush(1, {});
  for (uint64_t i = 0; i < 3000; ++i) {
    flush.series.push_back(SampleSeries(i, 100 + i));
    flush.chunks.push_back({SampleKey(i), absl::FromUnixSeconds(7200), std::string(3000, static_cast<char>(i)), 120});
  }
  auto session = Lead(*store_);
  ASSERT_TRUE(session->Write(flush).ok());
  const std::string rows =
      "SELECT md5(string_agg(p::text, '|' ORDER BY address)) || "
      "(SELECT md5(string_agg(c::text, '|' ORDER BY address)) FROM pricing.candles c) "
      "FROM pricing.token_prices p";
  const std::string before = Value(rows);
  flush.checkpoint.flush = 2;
  ASSERT_TRUE(session->Write(flush).ok());
  EXPECT_EQ(Value(rows), before);
  EXPECT_EQ(Value("SELECT count(*) FROM pricing.token_prices"), "3000");
}

TEST_F(PgStoreTest, AHighIsNeverLowered) {
  auto session = Lead(*store_);
  uint64_t number = 0;
  const auto write = [&](uint64_t cursor, uint64_t quote_units, uint64_t high_cursor) {
    Series series = SampleSeries(1, cursor);
    PricePoint high = SamplePoint(quote_units, high_cursor);
    high.ratio.token_units = 1000;
    high.is_mayhem = high_cursor % 2 == 1;
    series.high = high;
    ++number;
    ASSERT_TRUE(session->Write(MakeFlush(number, {series, SampleSeries(number + 100, 5)})).ok());
  };
  const auto row = [&] {
    const auto loaded = store_->LoadSeries({SampleKey(1)}, Soon());
    EXPECT_TRUE(loaded.ok() && loaded->size() == 1) << loaded.status();
    const Series& series = (*loaded)[0];
    EXPECT_EQ(series.high->transaction, SampleTransaction(series.high->at.cursor)) << "evidence of one trade";
    EXPECT_EQ(series.high->is_mayhem, series.high->at.cursor % 2 == 1);
    return absl::StrCat(series.cursor, " ", series.high->ratio.quote_units.ToString(), " ", series.high->at.cursor, " ",
                        series.last->at.cursor);
  };
  write(50, 500, 40);
  EXPECT_EQ(row(), "50 500 40 50");
  write(60, 600, 55);
  EXPECT_EQ(row(), "60 600 55 60") << "newer and higher";
  write(70, 580, 65);
  EXPECT_EQ(row(), "70 600 55 70") << "newer and lower";
  write(65, 590, 61);
  EXPECT_EQ(row(), "70 600 55 70") << "older and lower";
  write(65, 610, 62);
  EXPECT_EQ(row(), "70 610 62 70") << "older and higher";
  write(80, 610, 75);
  EXPECT_EQ(row(), "80 610 62 80") << "the earlier of equal highs stays";
  write(81, 610, 41);
  EXPECT_EQ(row(), "81 610 41 81") << "the earlier of equal highs comes later";
  Series unpriced = UnpricedSeries();
  unpriced.key = SampleKey(1);
  unpriced.cursor = 90;
  ASSERT_TRUE(session->Write(MakeFlush(++number, {unpriced})).ok());
  EXPECT_EQ(Value(absl::StrCat("SELECT concat_ws(' ', cursor, high_quote_units, last_at IS NULL) FROM "
                               "pricing.token_prices WHERE address = '",
                               SampleAddress(1).text(), "'")),
            "90 610 t");
}

TEST_F(PgStoreTest, ChunksAreReplacedAndRead) {
  const auto start = [](int64_t chunk) { return absl::FromUnixSeconds(7200 * chunk); };
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  Flush flush = MakeFlush(1, {});
  for (int64_t chunk = 10; chunk < 20; chunk += 2) flush.chunks.push_back({SampleKey(1), start(chunk), bytes, 7});
  flush.chunks.push_back({SampleKey(2), start(10), "", 0});
  auto session = Lead(*store_);
  ASSERT_TRUE(session->Write(flush).ok());
  flush = MakeFlush(2, {});
  flush.chunks.push_back({SampleKey(1), start(14), std::string(9000, 'x'), 120});
  ASSERT_TRUE(session->Write(flush).ok());

  const auto starts = [&](const absl::StatusOr<std::vector<ChunkRow>>& chunks) {
    EXPECT_TRUE(chunks.ok()) << chunks.status();
    std::vector<int64_t> found;
    for (const ChunkRow& chunk : *chunks) {
      EXPECT_EQ(chunk.key, SampleKey(1));
      found.push_back(absl::ToUnixSeconds(chunk.start) / 7200);
    }
    return found;
  };
  EXPECT_THAT(starts(store_->ReadChunks(SampleKey(1), start(11), start(18), 10, Soon())), ElementsAre(12, 14, 16, 18));
  EXPECT_THAT(starts(store_->ReadChunks(SampleKey(1), start(11), start(18), 2, Soon())), ElementsAre(12, 14));
  EXPECT_THAT(starts(store_->ReadChunks(SampleKey(1), absl::InfinitePast(), absl::InfiniteFuture(), 10, Soon())),
              SizeIs(5));
  EXPECT_THAT(*store_->ReadChunks(SampleKey(3), start(0), start(99), 2, Soon()), IsEmpty());
  const auto before = store_->ReadChunkBefore(SampleKey(1), start(14), Soon());
  ASSERT_TRUE(before.ok() && before->has_value()) << before.status();
  EXPECT_EQ((*before)->start, start(12));
  EXPECT_EQ((*before)->packed, bytes);
  EXPECT_EQ((*before)->minutes, 7);
  EXPECT_FALSE(store_->ReadChunkBefore(SampleKey(1), start(10), Soon())->has_value());
  const auto loaded =
      store_->LoadChunks({{SampleKey(1), start(14)}, {SampleKey(1), start(11)}, {SampleKey(4), start(14)}}, Soon());
  EXPECT_THAT(starts(loaded), ElementsAre(14));
  EXPECT_EQ((*loaded)[0].packed, std::string(9000, 'x'));
  EXPECT_EQ((*loaded)[0].minutes, 120);
}

TEST_F(PgStoreTest, ParkedTradesAreAJournalUntilTheyAreReplaced) {
  auto session = Lead(*store_);
  const auto parked = [&] {
    std::vector<std::string> found;
    const absl::Status status = store_->VisitParked(
        [&](ParkedSeries&& one) {
          found.push_back(absl::StrCat(absl::Uint128Low64(one.series), ":", absl::StrJoin(one.cursors, ",")));
        },
        Soon());
    EXPECT_TRUE(status.ok()) << status;
    return found;
  };
  EXPECT_THAT(parked(), IsEmpty());
  Flush flush = MakeFlush(1, {});
  flush.parked = {{1, {10, 20}}, {2, {15}}};
  ASSERT_TRUE(session->Write(flush).ok());
  flush = MakeFlush(2, {});
  flush.parked = {{1, {30}}};
  ASSERT_TRUE(session->Write(flush).ok());
  ASSERT_TRUE(session->Write(MakeFlush(3, {})).ok());
  EXPECT_THAT(parked(), ElementsAre("1:10,20", "2:15", "1:30"));
  EXPECT_EQ(Value("SELECT string_agg(concat_ws(' ', flush, series, trades), '; ' ORDER BY flush) "
                  "FROM pricing.parked_trades"),
            "1 2 3; 2 1 1");
  flush = MakeFlush(4, {});
  flush.parked_is_complete = true;
  for (uint64_t i = 0; i < 200'000; ++i) flush.parked.push_back({i, {i, i + 1}});
  ASSERT_TRUE(session->Write(flush).ok());
  const std::vector<std::string> all = parked();
  ASSERT_THAT(all, SizeIs(200'000));
  EXPECT_EQ(all[199'999], "199999:199999,200000");
  EXPECT_EQ(Value("SELECT concat_ws(' ', min(flush), sum(series), sum(trades), max(length(packed)) < 300000) "
                  "FROM pricing.parked_trades"),
            "4 200000 400000 t");
}

TEST_F(PgStoreTest, TheWrongDatabaseOrRoleIsRefusedByName) {
  const auto refusal = [](const PgStoreOptions& options) {
    const auto store =
        PgStore::Open(options, Soon(), common::PostgresObserver::None(), common::SystemClock::Instance());
    EXPECT_EQ(store.status().code(), absl::StatusCode::kFailedPrecondition) << store.status();
    return std::string(store.status().message());
  };
  const std::string dsn = cluster_->Dsn(database_, "pricing");
  EXPECT_THAT(refusal({.dsn = cluster_->Dsn(database_)}), HasSubstr("role \"postgres\" is a superuser"));
  EXPECT_THAT(refusal({.dsn = dsn, .expected_database = "users"}),
              HasSubstr(absl::StrCat("the database is \"", database_, "\" and not \"users\"")));
  EXPECT_THAT(refusal({.dsn = dsn, .expected_role = "detector"}), HasSubstr("the role is \"pricing\""));

  // A database that is not ours: the role may log in and make nothing.
  ASSERT_TRUE(cluster_->CreateDatabase(database_ + "users").ok());
  ASSERT_TRUE(
      cluster_->Query(database_ + "users", "CREATE SCHEMA paper_trading; CREATE TABLE paper_trading.accounts ()").ok());
  EXPECT_THAT(refusal({.dsn = cluster_->Dsn(database_ + "users", "pricing")}),
              testing::AllOf(HasSubstr("table pricing.token_prices is missing in database \"" + database_ + "users\""),
                             HasSubstr("the DSN points at the user database"), HasSubstr("--dsn")));

  ASSERT_TRUE(cluster_->Query(database_, "ALTER TABLE pricing.candles DROP COLUMN minutes").ok());
  EXPECT_THAT(refusal({.dsn = dsn}),
              HasSubstr("column pricing.candles.minutes is missing in database \"" + database_ + "\""));
  const auto state = store_->Diagnose(Soon());
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->database, database_);
  EXPECT_EQ(state->role, "pricing");
  ASSERT_THAT(state->tables, SizeIs(8));
  for (const TableState& table : state->tables) {
    EXPECT_EQ(table.present, table.name != "pricing.candles") << table.name << ": " << table.problem;
    EXPECT_EQ(table.rows, table.name == "pricing.checkpoints" ? 1 : 0) << table.name;
  }
}

}  // namespace
}  // namespace tokenwatch::pricing

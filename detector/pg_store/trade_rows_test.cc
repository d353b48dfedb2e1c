#include "detector/pg_store/trade_rows.h"

#include <random>

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "detector/samples_for_test.h"

namespace tokenwatch::detector {
namespace {

std::string Row(const Trade& trade) {
  TradeRowWriter writer;
  common::CopyBuffer rows;
  writer.Append(trade, rows);
  std::string row(rows.data());
  EXPECT_TRUE(absl::EndsWith(row, "\n"));
  row.pop_back();
  return row;
}

void ExpectSame(const Trade& a, const Trade& b) {
  EXPECT_EQ(a.cursor, b.cursor);
  EXPECT_EQ(a.chain, b.chain);
  EXPECT_EQ(a.transaction, b.transaction);
  EXPECT_EQ(a.event_index, b.event_index);
  EXPECT_EQ(a.token, b.token);
  EXPECT_EQ(a.trader, b.trader);
  EXPECT_EQ(a.side, b.side);
  EXPECT_EQ(a.venue, b.venue);
  EXPECT_EQ(a.quote, b.quote);
  EXPECT_EQ(a.token_amount, b.token_amount);
  EXPECT_EQ(a.quote_amount, b.quote_amount);
  ASSERT_EQ(a.reserves.has_value(), b.reserves.has_value());
  if (a.reserves.has_value()) {
    EXPECT_EQ(a.reserves->virtual_token, b.reserves->virtual_token);
    EXPECT_EQ(a.reserves->virtual_quote, b.reserves->virtual_quote);
    EXPECT_EQ(a.reserves->real_token, b.reserves->real_token);
    EXPECT_EQ(a.reserves->real_quote, b.reserves->real_quote);
  }
  ASSERT_EQ(a.fees.has_value(), b.fees.has_value());
  if (a.fees.has_value()) {
    EXPECT_EQ(a.fees->protocol, b.fees->protocol);
    EXPECT_EQ(a.fees->creator, b.fees->creator);
  }
  EXPECT_EQ(a.slot, b.slot);
  EXPECT_EQ(a.event_time, b.event_time);
  EXPECT_EQ(a.loose_time, b.loose_time);
  EXPECT_EQ(a.feed, b.feed);
  EXPECT_EQ(a.is_mayhem, b.is_mayhem);
}

Trade Largest() {
  const chain::Amount largest = *chain::Amount::Parse(kLargestAmount);
  Trade trade = SampleTrade(1, 0x7fffffff);
  trade.cursor = 0x7fffffffffffffff;
  trade.side = Side::kSell;
  trade.token_amount = trade.quote_amount = largest;
  trade.reserves = Reserves{largest, largest, largest, largest};
  trade.fees = Fees{largest, largest};
  trade.slot = 0x7fffffffffffffff;
  trade.event_time = SampleTime(0) + absl::Microseconds(999'999);
  trade.loose_time = trade.is_mayhem = true;
  return trade;
}

Trade OfEvm() {
  Trade trade = SampleTrade(1, 0);
  trade.chain = chain::Chain::kBase;
  trade.transaction = *chain::TransactionId::ParseEvm(kEvmTransaction);
  trade.token = trade.trader = *chain::Address::ParseEvm(kEvmAddress);
  trade.quote = chain::Address();
  return trade;
}

TEST(TradeRowsTest, TradesComeBack) {
  TradeRowReader reader;
  for (const Trade& trade : {SampleTrade(1, 0), WithoutIndex(SampleTrade(2, 0)), Largest(), OfEvm()}) {
    Trade read = Largest();
    ASSERT_TRUE(reader.Parse(Row(trade), &read).ok());
    ExpectSame(trade, read);
  }
}

TEST(TradeRowsTest, TimesAreNotMixedUpByTheirCaches) {
  std::mt19937 random(5);
  TradeRowWriter writer;
  TradeRowReader reader;
  for (int i = 0; i < 2000; ++i) {
    Trade trade = SampleTrade(static_cast<uint64_t>(i), 0, 1, random() % 3 * 86'400);
    trade.event_time += absl::Microseconds(random() % 2 * 500'000);
    common::CopyBuffer rows;
    writer.Append(trade, rows);
    Trade read;
    const absl::string_view row(rows.data());
    ASSERT_TRUE(reader.Parse(row.substr(0, row.size() - 1), &read).ok());
    ASSERT_EQ(read.event_time, trade.event_time);
  }
}

TEST(TradeRowsTest, ColumnsAreInOneOrder) {
  EXPECT_EQ(TradeColumnList(), absl::StrJoin(TradeColumns(), ", "));
  const std::string row = Row(Largest());
  const std::vector<std::string> fields = absl::StrSplit(row, '\t');
  ASSERT_EQ(fields.size(), TradeColumns().size());
  EXPECT_EQ(fields[0], "9223372036854775807");
  EXPECT_EQ(fields[1], "2026-07-03 01:00:00.999999+00");
}

TEST(TradeRowsTest, ABadColumnIsNamed) {
  const std::string row = Row(Largest());
  const std::vector<std::string> good = absl::StrSplit(row, '\t');
  TradeRowReader reader;
  Trade trade;
  for (const char* column : {"cursor", "event_time", "slot", "event_index", "transaction", "token", "trader", "venue",
                             "feed", "token_amount", "virtual_token_reserve", "creator_fee"}) {
    std::vector<std::string> fields = good;
    const auto at = std::find(TradeColumns().begin(), TradeColumns().end(), column) - TradeColumns().begin();
    fields[static_cast<size_t>(at)] = std::string(100, 'x');
    const absl::Status status = reader.Parse(absl::StrJoin(fields, "\t"), &trade);
    EXPECT_TRUE(absl::IsInternal(status)) << column;
    EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat("\"", column, "\""))) << status;
  }
  EXPECT_FALSE(reader.Parse("1\t2", &trade).ok());
  EXPECT_FALSE(reader.Parse(row + "\t1", &trade).ok());
}

}  // namespace
}  // namespace tokenwatch::detector

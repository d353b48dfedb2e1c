#include "detector/pg_store/trade_rows.h"

#include <algorithm>
#include <array>
#include <random>

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "detector/log/trade_window.h"
#include "detector/samples_for_test.h"

namespace tokenwatch::detector {
namespace {

std::string Row(const Trade& trade) {
  common::CopyBuffer rows;
  AppendTradeRow(trade, rows);
  return std::string(rows.data());
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

// Fields of a row; one without data is null.
std::vector<absl::string_view> Split(absl::string_view row) {
  std::vector<absl::string_view> fields(TradeColumns().size());
  EXPECT_TRUE(common::SplitCopyRow(row, absl::MakeSpan(fields)));
  return fields;
}

std::string Join(const std::vector<absl::string_view>& fields) {
  common::CopyBuffer rows;
  rows.BeginRow(static_cast<int16_t>(fields.size()));
  for (const absl::string_view field : fields) common::IsCopyNull(field) ? rows.Null() : rows.Bytes(field);
  return std::string(rows.data());
}

TEST(TradeRowsTest, TradesComeBack) {
  TradeRowReader reader;
  Trade zeros = SampleTrade(1, 0);
  zeros.token_amount = zeros.quote_amount = 0;
  zeros.reserves = Reserves{};
  zeros.fees = Fees{};
  Trade of_two_limbs = SampleTrade(1, 0);
  of_two_limbs.token_amount = chain::Amount({0, 1, 0, 0});
  of_two_limbs.event_time = SampleTime(0) - absl::Hours(24 * 365 * 40);
  for (const Trade& trade :
       {SampleTrade(1, 0), WithoutIndex(SampleTrade(2, 0)), Largest(), OfEvm(), zeros, of_two_limbs}) {
    const std::string row = Row(trade);
    TradeFields read;
    ASSERT_TRUE(reader.Parse(row, &read).ok());
    ExpectSame(trade, ToTrade(read));
  }
}

TEST(TradeRowsTest, AnyAmountComesBack) {
  std::mt19937_64 random(5);
  const auto amount = [&] {
    std::array<uint64_t, 4> limbs{};
    for (size_t i = 0; i <= random() % 4; ++i) limbs[i] = random() >> (random() % 64);
    return chain::Amount(limbs);
  };
  TradeRowReader reader;
  TradeFields read;
  for (int i = 0; i < 2000; ++i) {
    Trade trade = SampleTrade(static_cast<uint64_t>(i), 0);
    trade.token_amount = amount();
    trade.quote_amount = amount();
    if (i % 2 == 0) trade.reserves = Reserves{amount(), amount(), amount(), amount()};
    if (i % 3 == 0) trade.fees = Fees{amount(), amount()};
    const std::string row = Row(trade);
    ASSERT_TRUE(reader.Parse(row, &read).ok());
    ExpectSame(trade, ToTrade(read));
  }
}

TEST(TradeRowsTest, ColumnsAreInOneOrder) {
  EXPECT_EQ(TradeColumnList(), absl::StrJoin(TradeColumns(), ", "));
  const std::string row = Row(Largest());
  const auto fields = Split(row);
  int64_t cursor = 0;
  EXPECT_TRUE(common::ParseCopyInt(fields[0], &cursor));
  EXPECT_EQ(cursor, 0x7fffffffffffffff);
  absl::Time time;
  EXPECT_TRUE(common::ParseCopyTime(fields[1], &time));
  EXPECT_EQ(time, Largest().event_time);
}

TEST(TradeRowsTest, ABadColumnIsNamed) {
  const std::string row = Row(Largest());
  const auto good = Split(row);
  ASSERT_EQ(Join(good), row);
  TradeRowReader reader;
  TradeFields trade;
  const std::string bad(100, 'x');
  for (size_t column = 0; column < good.size(); ++column) {
    auto fields = good;
    fields[column] = bad;
    const absl::Status status = reader.Parse(Join(fields), &trade);
    EXPECT_TRUE(absl::IsInternal(status)) << column;
    EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat("\"", TradeColumns()[column], "\""))) << status;
  }
  // Null where none may be.
  for (const char* column : {"cursor", "event_time", "side", "chain", "trader", "feed", "token_amount",
                             "virtual_quote_reserve", "creator_fee"}) {
    auto fields = good;
    const auto at = std::find(TradeColumns().begin(), TradeColumns().end(), column) - TradeColumns().begin();
    fields[static_cast<size_t>(at)] = absl::string_view();
    EXPECT_TRUE(absl::StrContains(reader.Parse(Join(fields), &trade).message(), column)) << column;
  }
  // A negative amount, and one with more digits than an amount has.
  for (const std::string& digits : {std::string("-1"), std::string(79, '9'), "1" + std::string(100, '0')}) {
    common::CopyBuffer numeric;
    numeric.BeginRow(1);
    numeric.Numeric(digits);
    auto fields = good;
    fields.back() = numeric.data().substr(6);
    EXPECT_TRUE(absl::StrContains(reader.Parse(Join(fields), &trade).message(), "creator_fee")) << digits;
  }
  EXPECT_FALSE(reader.Parse(Join({good.begin(), good.end() - 1}), &trade).ok());
  EXPECT_FALSE(reader.Parse(row.substr(0, row.size() - 1), &trade).ok());
}

// The columns of a whole row that make its identity, as a row of their own.
std::vector<absl::string_view> IdentityFields(const std::vector<absl::string_view>& fields) {
  std::vector<absl::string_view> own;
  for (const absl::string_view name : absl::StrSplit(IdentityColumnList(), ", ")) {
    const auto at = std::find(TradeColumns().begin(), TradeColumns().end(), name) - TradeColumns().begin();
    own.push_back(fields.at(static_cast<size_t>(at)));
  }
  return own;
}

TEST(IdentityRowsTest, IdentitiesComeBack) {
  IdentityRowReader reader;
  for (const Trade& trade : {SampleTrade(1, 0), Largest(), WithoutIndex(SampleTrade(2, 0)), OfEvm()}) {
    const std::string row = Row(trade);
    TradeIdentity read;
    ASSERT_TRUE(reader.Parse(Join(IdentityFields(Split(row))), &read).ok());
    const TradeIdentity expected = IdentityOf(trade);
    EXPECT_EQ(read.transaction, expected.transaction);
    EXPECT_EQ(read.event_index, expected.event_index);
    EXPECT_EQ(read.token, expected.token);
    EXPECT_EQ(read.side, expected.side);
    EXPECT_EQ(read.token_amount, expected.token_amount);
    EXPECT_EQ(read.event_time, expected.event_time);
    EXPECT_EQ(read.loose_time, expected.loose_time);
  }
}

TEST(IdentityRowsTest, ABadColumnIsNamed) {
  const std::string row = Row(Largest());
  const auto good = IdentityFields(Split(row));
  const std::vector<std::string> names = absl::StrSplit(IdentityColumnList(), ", ");
  IdentityRowReader reader;
  TradeIdentity identity;
  // An address may not be as long as a transaction.
  for (const std::string& bad : {std::string(100, 'x'), std::string(88, 'x')}) {
    for (size_t column = 0; column < good.size(); ++column) {
      if (bad.size() == 88 && names[column] == "transaction") continue;
      auto fields = good;
      fields[column] = bad;
      const absl::Status status = reader.Parse(Join(fields), &identity);
      EXPECT_TRUE(absl::IsInternal(status)) << names[column];
      EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat("\"", names[column], "\""))) << status;
    }
  }
  EXPECT_FALSE(reader.Parse(Join({good.begin(), good.end() - 1}), &identity).ok());
}

}  // namespace
}  // namespace tokenwatch::detector

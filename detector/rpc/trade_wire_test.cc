#include "detector/rpc/trade_wire.h"

#include <random>

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "detector/rpc/convert.h"
#include "detector/samples_for_test.h"

namespace tokenwatch::detector {
namespace {

// What is written by hand parses to what ToProto gives, and nothing is left over.
void ExpectSame(const std::vector<Trade>& trades, uint64_t cursor) {
  pb::TailTradesResponse expected;
  std::string wire;
  AmountTexts texts;
  for (const Trade& trade : trades) {
    AppendTradeField(FieldsOf(trade, texts), wire);
    ToProto(trade, expected.add_trades());
  }
  AppendCursorField(cursor, wire);
  expected.set_cursor(cursor);
  pb::TailTradesResponse parsed;
  ASSERT_TRUE(parsed.ParseFromString(wire));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(parsed, expected)) << parsed.ShortDebugString() << "\n"
                                                                                    << expected.ShortDebugString();
  EXPECT_EQ(parsed.SerializeAsString(), expected.SerializeAsString()) << "no unknown fields";
}

Trade Full() {
  const chain::Amount largest = *chain::Amount::Parse(kLargestAmount);
  Trade trade = SampleTrade(1, 300);
  trade.cursor = ~uint64_t{0};
  trade.side = Side::kSell;
  trade.token_amount = trade.quote_amount = largest;
  trade.reserves = Reserves{largest, largest, largest, largest};
  trade.fees = Fees{largest, largest};
  trade.slot = ~uint64_t{0};
  trade.event_time += absl::Nanoseconds(999'999'999);
  trade.is_mayhem = true;
  return trade;
}

TEST(TradeWireTest, FullMinimalAndZeros) {
  ExpectSame({Full()}, 17);
  ExpectSame({Trade()}, 0);
  ExpectSame({}, 1);
  Trade zeros = SampleTrade(1, 0);
  zeros.cursor = 0;
  zeros.token_amount = zeros.quote_amount = 0;
  zeros.reserves = Reserves{};
  zeros.fees = Fees{};
  zeros.slot = 0;
  ExpectSame({zeros, Full(), Trade()}, 5);
}

TEST(TradeWireTest, TheLongestTextsFit) {
  TradeFields fields;
  const std::string longest(TradeFields::kMaxTextSize, 'x');
  for (absl::string_view* text :
       {&fields.chain, &fields.transaction, &fields.token, &fields.trader, &fields.venue, &fields.quote,
        &fields.token_amount, &fields.quote_amount, &fields.virtual_token, &fields.virtual_quote, &fields.real_token,
        &fields.real_quote, &fields.protocol_fee, &fields.creator_fee, &fields.feed}) {
    *text = longest;
  }
  fields.cursor = fields.slot = ~uint64_t{0};
  fields.event_index = ~uint32_t{0};
  fields.event_time = absl::FromUnixSeconds(-1) + absl::Nanoseconds(1);
  fields.is_mayhem = true;
  std::string wire;
  AppendTradeField(fields, wire);
  pb::TailTradesResponse parsed;
  ASSERT_TRUE(parsed.ParseFromString(wire));
  EXPECT_EQ(parsed.trades(0).creator_fee(), longest);
  EXPECT_EQ(parsed.trades(0).feed(), longest);
  EXPECT_EQ(parsed.trades(0).event_time().seconds(), -1);
}

TEST(TradeWireTest, Evm) {
  Trade trade = SampleTrade(1, 0);
  trade.chain = chain::Chain::kEthereum;
  trade.transaction = *chain::TransactionId::ParseEvm(kEvmTransaction);
  trade.token = trade.trader = trade.quote = *chain::Address::ParseEvm(kEvmAddress);
  ExpectSame({trade}, 5);
}

TEST(TradeWireTest, AnyTrade) {
  std::mt19937_64 random(9);
  const auto amount = [&] {
    std::array<uint64_t, 4> limbs{};
    for (size_t i = 0; i <= random() % 4; ++i) limbs[i] = random() >> (random() % 64);
    return chain::Amount(limbs);
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<Trade> trades(random() % 4);
    for (Trade& trade : trades) {
      trade = SampleTrade(random(), static_cast<uint32_t>(random()), random());
      if (random() % 2 == 0) trade = WithoutIndex(trade);
      trade.cursor = random() >> (random() % 64);
      trade.token_amount = amount();
      trade.quote_amount = amount();
      if (random() % 2 == 0) trade.reserves = Reserves{amount(), amount(), amount(), amount()};
      if (random() % 2 == 0) trade.fees = Fees{amount(), amount()};
      trade.side = random() % 2 == 0 ? Side::kBuy : Side::kSell;
      trade.slot = random() >> (random() % 64);
      trade.event_time = absl::FromUnixMicros(static_cast<int64_t>(random() % 4'000'000'000'000'000));
      trade.venue = Word(std::string(random() % 24, 'v'));
      trade.is_mayhem = random() % 2 == 0;
    }
    ExpectSame(trades, random() >> (random() % 64));
  }
}

}  // namespace
}  // namespace tokenwatch::detector

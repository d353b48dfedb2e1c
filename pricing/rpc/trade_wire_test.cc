#include "pricing/rpc/trade_wire.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "pricing/rpc/detector_samples_for_test.h"

namespace tokenwatch::pricing {
namespace {

namespace pb = ::tokenwatch::detector::v1;

constexpr char kMaxAmount[] = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

// What the generated code reads, as a line of text.
std::string Line(const pb::Trade& trade) {
  const auto or_none = [](const std::string& text) { return text.empty() ? std::string("-") : text; };
  return absl::StrCat(
      trade.cursor(), " ", trade.chain(), " ", trade.token(), " ", trade.quote_address(), " ", trade.trader(), " ",
      trade.side() == pb::TRADE_SIDE_BUY, " ", trade.is_mayhem(), " ", trade.venue(), " ", trade.token_amount(), " ",
      trade.quote_amount(), " ", or_none(trade.virtual_token_reserve()), " ", or_none(trade.virtual_quote_reserve()),
      " ", or_none(trade.real_quote_reserve()), " ",
      trade.event_time().seconds() * 1'000'000'000 + trade.event_time().nanos(), " ", trade.transaction());
}

std::string Line(const Trade& trade) {
  const auto or_none = [](const std::optional<chain::Amount>& amount) {
    return amount.has_value() ? amount->ToString() : std::string("-");
  };
  std::optional<chain::Amount> token;
  std::optional<chain::Amount> quote;
  if (trade.reserves.has_value()) {
    token = trade.reserves->token;
    quote = trade.reserves->quote;
  }
  return absl::StrCat(trade.cursor, " ", chain::ChainName(trade.token.chain), " ", trade.token.address.text(), " ",
                      trade.quote.text(), " ", trade.trader.text(), " ", trade.is_buy, " ", trade.is_mayhem, " ",
                      trade.venue.text(), " ", trade.token_amount.ToString(), " ", trade.quote_amount.ToString(), " ",
                      or_none(token), " ", or_none(quote), " ", or_none(trade.pool_quote), " ",
                      absl::ToUnixNanos(trade.event_time), " ", trade.transaction.text());
}

pb::TailTradesResponse Message(uint64_t first, uint64_t count) {
  pb::TailTradesResponse message;
  for (uint64_t i = 0; i < count; ++i) *message.add_trades() = SampleWireTrade(first + i);
  message.set_cursor(first + count - 1);
  return message;
}

void ExpectSame(const pb::TailTradesResponse& message, const TradeBatch& batch) {
  EXPECT_EQ(batch.cursor, message.cursor());
  EXPECT_EQ(batch.unreadable, 0u);
  ASSERT_EQ(batch.trades.size(), static_cast<size_t>(message.trades_size()));
  for (int i = 0; i < message.trades_size(); ++i) {
    EXPECT_EQ(Line(batch.trades[static_cast<size_t>(i)]), Line(message.trades(i)));
  }
}

TEST(TradeWireTest, ReadsWhatTheGeneratedCodeReads) {
  pb::TailTradesResponse message = Message(1, 200);
  pb::Trade* sparse = message.add_trades();
  *sparse = SampleWireTrade(1'000'000);
  for (const char* field :
       {"event_index", "trader", "venue", "virtual_token_reserve", "virtual_quote_reserve", "real_token_reserve",
        "real_quote_reserve", "protocol_fee", "creator_fee", "slot", "feed"}) {
    sparse->GetReflection()->ClearField(sparse, sparse->GetDescriptor()->FindFieldByName(field));
  }
  pb::Trade* large = message.add_trades();
  *large = SampleWireTrade(UINT64_MAX);
  large->set_chain("base");
  large->set_token("0x833589fcd6edb6e08f4c7c32d4f71b54bda02913");
  large->set_quote_amount(kMaxAmount);
  large->set_virtual_token_reserve(kMaxAmount);
  large->mutable_event_time()->set_seconds(-5);
  message.set_cursor(UINT64_MAX);
  TradeBatch batch;
  ASSERT_TRUE(ReadTradesMessage(message.SerializeAsString(), &batch));
  ExpectSame(message, batch);
  EXPECT_FALSE(batch.trades[200].reserves.has_value());
  EXPECT_FALSE(batch.trades[200].pool_quote.has_value());

  TradeBatch empty;
  ASSERT_TRUE(ReadTradesMessage("", &empty));
  EXPECT_TRUE(empty.trades.empty());
}

TEST(TradeWireTest, FieldsOfANewerDetectorArePassedOver) {
  const pb::TailTradesResponse message = Message(5, 3);
  // A varint, 64 bits, bytes and 32 bits under numbers that are not in use.
  const std::string unknown = std::string("\xf8\x07\x96\x01", 4) +
                              std::string("\xf9\x07\x01\x02\x03\x04\x05\x06\x07\x08", 10) +
                              std::string("\xfa\x07\x03xyz", 6) + std::string("\xfd\x07\x01\x02\x03\x04", 6);
  std::string bytes = unknown;
  for (const pb::Trade& trade : message.trades()) {
    const std::string one = absl::StrCat(unknown, trade.SerializeAsString(), unknown);
    ASSERT_LT(one.size(), 0x4000u);
    bytes += '\x0a';
    bytes += static_cast<char>(one.size() | 0x80);
    bytes += static_cast<char>(one.size() >> 7);
    bytes += one;
  }
  pb::TailTradesResponse cursor;
  cursor.set_cursor(message.cursor());
  bytes += cursor.SerializeAsString() + unknown;
  TradeBatch batch;
  ASSERT_TRUE(ReadTradesMessage(bytes, &batch));
  ExpectSame(message, batch);
}

TEST(TradeWireTest, WhatThisBuildCannotMakeSenseOfIsCounted) {
  const auto spoil = [](const std::function<void(pb::Trade&)>& change) {
    pb::TailTradesResponse message = Message(1, 3);
    change(*message.mutable_trades(1));
    TradeBatch batch;
    EXPECT_TRUE(ReadTradesMessage(message.SerializeAsString(), &batch));
    EXPECT_EQ(batch.trades.size(), 2u);
    EXPECT_EQ(batch.cursor, 3u);
    return batch.unreadable;
  };
  EXPECT_EQ(spoil([](pb::Trade& trade) { trade.set_chain("dogechain"); }), 1u);
  EXPECT_EQ(spoil([](pb::Trade& trade) { trade.clear_chain(); }), 1u);
  EXPECT_EQ(spoil([](pb::Trade& trade) { trade.set_token(std::string(45, 'A')); }), 1u);
  EXPECT_EQ(spoil([](pb::Trade& trade) { trade.clear_token(); }), 1u);
  EXPECT_EQ(spoil([](pb::Trade& trade) { trade.clear_quote_address(); }), 1u);
  EXPECT_EQ(spoil([](pb::Trade& trade) { trade.set_token_amount("-1"); }), 1u);
  EXPECT_EQ(spoil([](pb::Trade& trade) { trade.clear_quote_amount(); }), 1u);
  EXPECT_EQ(spoil([](pb::Trade& trade) { trade.set_virtual_quote_reserve("1e9"); }), 1u);
  EXPECT_EQ(spoil([](pb::Trade& trade) { trade.clear_virtual_quote_reserve(); }), 1u) << "half of the reserves";
  EXPECT_EQ(spoil([](pb::Trade& trade) { trade.set_venue(std::string(24, 'v')); }), 1u);
  EXPECT_EQ(spoil([](pb::Trade& trade) { trade.set_transaction(std::string(89, 'A')); }), 1u);
  EXPECT_EQ(spoil([](pb::Trade& trade) { trade.clear_side(); }), 1u);
  EXPECT_EQ(spoil([](pb::Trade& trade) { trade.clear_event_time(); }), 1u);
  EXPECT_EQ(spoil([](pb::Trade& trade) { trade.clear_cursor(); }), 1u);
}

TEST(TradeWireTest, DamagedBytesAreRefusedAsTheGeneratedCodeRefusesThem) {
  const std::string bytes = Message(1, 2).SerializeAsString();
  for (size_t size = 0; size < bytes.size(); ++size) {
    TradeBatch batch;
    pb::TailTradesResponse parsed;
    const std::string cut = bytes.substr(0, size);
    EXPECT_EQ(ReadTradesMessage(cut, &batch), parsed.ParseFromString(cut)) << size;
  }
  // Whatever changes, nothing is read that is not there; a sanitizer sees to it. What this takes the other takes too.
  std::mt19937_64 random(7);
  int taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string changed = bytes;
    for (uint64_t i = random() % 4 + 1; i > 0; --i) changed[random() % changed.size()] = static_cast<char>(random());
    TradeBatch batch;
    taken += ReadTradesMessage(changed, &batch);
    EXPECT_LE(batch.trades.size() + batch.unreadable, 1000u);
  }
  EXPECT_GT(taken, 1000);
}

}  // namespace
}  // namespace tokenwatch::pricing

#include "pricing/rpc/price_wire.h"

#include <random>

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "pricing/rpc/convert.h"
#include "pricing/testing/world.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::ElementsAre;

constexpr char kLargest[] = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

// What is written by hand parses to what ToProto gives, and nothing is left over.
void ExpectSame(const std::vector<Price>& prices, absl::Time as_of) {
  pb::BatchGetPricesResponse expected;
  std::string wire;
  for (const Price& price : prices) {
    AppendPriceField(price, as_of, wire);
    ToProto(price, as_of, expected.add_prices());
  }
  AppendMissingField(TestToken(5), wire);
  ToProto(TestToken(5), expected.add_missing());
  pb::BatchGetPricesResponse parsed;
  ASSERT_TRUE(parsed.ParseFromString(wire));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(parsed, expected)) << parsed.ShortDebugString() << "\n"
                                                                                    << expected.ShortDebugString();
  EXPECT_EQ(parsed.SerializeAsString(), expected.SerializeAsString()) << "no unknown fields";
}

Price Full() {
  const chain::Amount largest = *chain::Amount::Parse(kLargest);
  Price price;
  price.token = TestToken(1);
  price.quote = TestQuote();
  price.basis = Basis::kReserves;
  price.grade = Grade::kC;
  price.point.emplace();
  price.point->ratio = {largest, largest};
  price.point->from_reserves = true;
  price.point->at = {TestTime() + absl::Nanoseconds(999'999'999), ~uint64_t{0}};
  price.point->transaction = chain::TransactionId::FromSolanaBytes({0xff, 0xfe, 0xfd});
  price.point->venue = Word("pump-amm");
  price.point->is_mayhem = true;
  price.point->pool_quote = largest;
  price.event_time = price.point->at.event_time;
  price.in_quote = 1.5e-300;
  price.usd = -0.0;
  price.reference = Reference{
      {chain::Chain::kSolana, TestQuote()}, TestTime(), std::string(64, '9'), Word("abcdefghijklmnopqrstuvw")};
  price.confidence_bps = 12.25;
  price.unknown_reason = std::string(300, 'x');
  return price;
}

TEST(PriceWireTest, FullMinimalAndZeros) {
  ExpectSame({Full()}, TestTime() + absl::Hours(1));
  ExpectSame({}, TestTime());
  Price minimal;
  minimal.token = TestToken(1);
  minimal.event_time = TestTime();
  ExpectSame({minimal, Full(), minimal}, TestTime());
  Price zeros = Full();
  zeros.point->ratio.quote_units = 0;
  zeros.point->pool_quote = chain::Amount(0);
  zeros.point->at = {absl::UnixEpoch(), 0};
  zeros.event_time = absl::UnixEpoch();
  zeros.in_quote = zeros.usd = zeros.confidence_bps = 0;
  zeros.basis = Basis::kUnknown;
  ExpectSame({zeros}, absl::UnixEpoch());
}

TEST(PriceWireTest, TimesBeforeTheEpochAndAgesThatAreNone) {
  Price price = Full();
  price.event_time = absl::UnixEpoch() - absl::Nanoseconds(1);
  ExpectSame({price}, price.event_time - absl::Hours(1));
  ExpectSame({price}, price.event_time + absl::Nanoseconds(1'500'000'001));
}

TEST(PriceWireTest, Evm) {
  Price price = Full();
  price.token = {chain::Chain::kEthereum, *chain::Address::ParseEvm("0xdac17f958d2ee523a2206206994597c13d831ec7")};
  price.quote = price.token.address;
  price.point->transaction = *chain::TransactionId::ParseEvm("0x" + std::string(64, 'a'));
  ExpectSame({price}, TestTime());
}

TEST(PriceWireTest, Random) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 2'000; ++i) {
    Price price = Full();
    const auto amount = [&] {
      std::array<uint64_t, 4> limbs{};
      for (size_t limb = 0; limb <= random() % 4; ++limb) limbs[limb] = random();
      return chain::Amount(limbs);
    };
    price.point->ratio = {amount(), amount()};
    price.point->at.cursor = random() >> random() % 64;
    if (random() % 2 == 0) price.point->pool_quote.reset();
    if (random() % 4 == 0) price.reference.reset();
    if (random() % 4 == 0) price.usd.reset();
    if (random() % 4 == 0) price.in_quote.reset();
    if (random() % 4 == 0) price.unknown_reason.clear();
    price.event_time = TestTime() + absl::Nanoseconds(static_cast<int64_t>(random() >> 4));
    ExpectSame({price}, TestTime() + absl::Nanoseconds(static_cast<int64_t>(random() >> 4)));
  }
}

TEST(PriceWireTest, Conflated) {
  std::string wire;
  AppendConflatedField(~uint64_t{0}, wire);
  pb::StreamPricesResponse parsed;
  ASSERT_TRUE(parsed.ParseFromString(wire));
  EXPECT_EQ(parsed.conflated(), ~uint64_t{0});
}

TEST(PriceWireTest, ReadsTheTokensOfARequest) {
  pb::BatchGetPricesRequest request;
  for (uint64_t i = 0; i < 3; ++i) ToProto(TestToken(i), request.add_tokens());
  auto* bad = request.add_tokens();
  bad->set_chain("mars");
  bad->set_address("x");
  request.add_tokens()->set_chain("solana");
  request.add_tokens()->set_address(std::string(45, 'x'));
  request.add_tokens()->set_address(std::string("a\0b", 3));
  std::vector<chain::TokenRef> tokens;
  ASSERT_TRUE(ParseTokens(request.SerializeAsString(), &tokens));
  ASSERT_EQ(tokens.size(), 7u);
  EXPECT_EQ(tokens[2], TestToken(2));
  EXPECT_EQ(tokens[3].chain, chain::Chain::kUnknown);
  EXPECT_EQ(tokens[6], chain::TokenRef());
}

// Whatever the bytes, what is read is what the generated parser reads, or nothing.
TEST(PriceWireTest, GarbageIsLeftToTheGeneratedParser) {
  std::mt19937 random(7);
  pb::BatchGetPricesRequest request;
  for (uint64_t i = 0; i < 3; ++i) ToProto(TestToken(i), request.add_tokens());
  const std::string good = request.SerializeAsString();
  int parsed_by_hand = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string bytes = good.substr(0, random() % (good.size() + 1));
    // Within ASCII: of anything else the generated parser complains in the log.
    for (uint32_t changes = random() % 3; changes > 0 && !bytes.empty(); --changes) {
      bytes[random() % bytes.size()] = static_cast<char>(random() % 128);
    }
    std::vector<chain::TokenRef> tokens;
    if (!ParseTokens(bytes, &tokens)) continue;
    pb::BatchGetPricesRequest parsed;
    // The generated parser refuses text that is not UTF-8 as well.
    if (!parsed.ParseFromString(bytes)) continue;
    ++parsed_by_hand;
    ASSERT_EQ(tokens.size(), static_cast<size_t>(parsed.tokens_size()));
    for (size_t k = 0; k < tokens.size(); ++k) {
      const auto& token = parsed.tokens(static_cast<int>(k));
      if (tokens[k] == chain::TokenRef()) continue;
      ASSERT_EQ(tokens[k].address.text(), token.address());
      ASSERT_EQ(tokens[k].chain, chain::ParseChain(token.chain()));
    }
  }
  EXPECT_GT(parsed_by_hand, 1'000);
}

TEST(PriceWireTest, BuffersKeepTheirBytes) {
  const std::string text = std::string("a\0b", 3) + std::string(100'000, 'x');
  EXPECT_EQ(ToText(ToByteBuffer(text)), text);
  EXPECT_EQ(ToText(ToByteBuffer("")), "");
  const grpc::Slice slices[] = {grpc::Slice("ab"), grpc::Slice("cd")};
  EXPECT_EQ(ToText(grpc::ByteBuffer(slices, 2)), "abcd");
}

}  // namespace
}  // namespace tokenwatch::pricing

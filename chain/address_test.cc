#include "chain/address.h"

#include <string>
#include <type_traits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/hash/hash_testing.h"

namespace tokenwatch::chain {
namespace {

using ::testing::HasSubstr;

static_assert(std::is_trivially_copyable_v<Address> && sizeof(Address) == 45);
static_assert(std::is_trivially_copyable_v<TransactionId> && sizeof(TransactionId) == 89);

constexpr char kUsdc[] = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";
constexpr char kMkr[] = "0x9f8f72aa9304c8b593d555f12ef6589cc3a579a2";
constexpr char kSignature[] =
    "55oY4Pe8WHGFxwZqyw5FE5j97pNGjEDAc2wxLXk9Ezafs4cWh1VHT3UbdfxDG9iMsB9KF9YunagvAb2HyJzVapxn";

TEST(AddressTest, SolanaIsKeptAsItIs) {
  const std::optional<Address> usdc = Address::ParseSolana(kUsdc);
  ASSERT_TRUE(usdc);
  EXPECT_EQ(usdc->text(), kUsdc);
  EXPECT_FALSE(usdc->empty());
  EXPECT_EQ(Address::FromSolanaBytes({}).text(), "11111111111111111111111111111111");
  EXPECT_FALSE(Address::ParseSolana(kMkr));
  EXPECT_FALSE(Address::ParseSolana(kSignature));
}

TEST(AddressTest, EvmIsLowerCase) {
  const std::optional<Address> mkr = Address::ParseEvm("0X9f8F72aA9304c8B593d555F12eF6589cC3A579A2");
  ASSERT_TRUE(mkr);
  EXPECT_EQ(mkr->text(), kMkr);
  for (absl::string_view bad :
       {"", "0x", "9f8f72aa9304c8b593d555f12ef6589cc3a579a2", kUsdc, "0x9f8f72aa9304c8b593d555f12ef6589cc3a579a",
        "0x9f8f72aa9304c8b593d555f12ef6589cc3a579a2f", "0x9f8f72aa9304c8b593d555f12ef6589cc3a579ag"}) {
    EXPECT_FALSE(Address::ParseEvm(bad)) << bad;
  }
}

TEST(AddressTest, ParsesByChain) {
  EXPECT_EQ(ParseAddress("solana", kUsdc)->text(), kUsdc);
  for (absl::string_view chain : {"ethereum", "base", "bsc"}) EXPECT_EQ(ParseAddress(chain, kMkr)->text(), kMkr);
  EXPECT_FALSE(ParseAddress(Chain::kUnknown, kUsdc));
}

TEST(AddressTest, ErrorsNameTheFieldAndShowABoundedPart) {
  const absl::Status chain = ParseAddress("dogechain", kUsdc).status();
  EXPECT_EQ(chain.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(chain.message()), HasSubstr("chain: \"dogechain\""));
  const absl::Status address = ParseAddress("solana", "\x01" + std::string(1000, 'x')).status();
  EXPECT_EQ(address.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(address.message()), HasSubstr("address: \"\\x01"));
  EXPECT_LT(address.message().size(), 200u);
  EXPECT_EQ(ParseTransactionId("base", "0x1").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(ParseTransactionId("base", "0x1").status().message()), HasSubstr("transaction: "));
}

TEST(AddressTest, OrderHashAndCanonical) {
  const Address a = *Address::ParseSolana(kUsdc);
  const Address b = *Address::ParseEvm(kMkr);
  EXPECT_LT(b, a);
  EXPECT_LT(Address(), b);
  EXPECT_NE(a, b);
  EXPECT_EQ(Address::FromCanonical(kUsdc), a);
  EXPECT_FALSE(Address::FromCanonical(kSignature));
  EXPECT_TRUE(Address::FromCanonical(absl::string_view())->empty());
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly({Address(), a, b}));
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly(
      {TokenRef{}, TokenRef{Chain::kSolana, a}, TokenRef{Chain::kBase, b}, TokenRef{Chain::kBsc, b}}));
  EXPECT_LT((TokenRef{Chain::kSolana, a}), (TokenRef{Chain::kBase, b}));
}

TEST(TransactionIdTest, BothForms) {
  EXPECT_EQ(TransactionId::ParseSolana(kSignature)->text(), kSignature);
  EXPECT_FALSE(TransactionId::ParseSolana(kUsdc));
  const std::string hash = "0x" + std::string(64, 'A');
  EXPECT_EQ(TransactionId::ParseEvm(hash)->text(), "0x" + std::string(64, 'a'));
  EXPECT_FALSE(TransactionId::ParseEvm(kMkr));
  EXPECT_EQ(ParseTransactionId("solana", kSignature)->text(), kSignature);
  EXPECT_EQ(TransactionId::FromSolanaBytes({}).text(), std::string(64, '1'));
}

TEST(ChainTest, NamesRoundTrip) {
  for (Chain chain : {Chain::kSolana, Chain::kEthereum, Chain::kBase, Chain::kBsc}) {
    EXPECT_EQ(ParseChain(ChainName(chain)), chain);
  }
  EXPECT_EQ(ParseChain("unknown"), Chain::kUnknown);
  EXPECT_EQ(ParseChain("Solana"), Chain::kUnknown);
  EXPECT_EQ(ChainName(Chain::kUnknown), "unknown");
}

}  // namespace
}  // namespace tokenwatch::chain

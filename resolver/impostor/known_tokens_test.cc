#include "resolver/impostor/known_tokens.h"

#include <gtest/gtest.h>

namespace tokenwatch::resolver {
namespace {

TokenRef Solana(absl::string_view address) {
  return {chain::Chain::kSolana, chain::Address::ParseSolana(address).value()};
}

const TokenRef kUsdc = Solana("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v");
const TokenRef kWif = Solana("EKpQGSJtjMFqKZ9KQanSqYXRcF8fBopzLHYxdM65zcjm");
const TokenRef kStranger = Solana("B3cHPmFf6pokbEi1Y5ZyLSUSnXfrLQjMS5kFLEz7pump");

TEST(KnownTokens, FlagsWhoBorrowsANameOrSymbol) {
  const KnownTokens& known = KnownTokens::BuiltIn();
  EXPECT_EQ(known.ImitatedBy(kStranger, "Anything", "USDC"), kUsdc);
  EXPECT_EQ(known.ImitatedBy(kStranger, "USD Coin", "XYZ"), kUsdc);
  EXPECT_EQ(known.ImitatedBy(kStranger, "anything", "usdc"), kUsdc);
  EXPECT_EQ(known.ImitatedBy(kStranger, "Anything", "USD\u0421"), kUsdc);  // Cyrillic Es
  EXPECT_EQ(known.ImitatedBy(kStranger, "Anything", "ＵＳＤＣ"), kUsdc);   // full width
  EXPECT_EQ(known.ImitatedBy(kStranger, "Anything", "$USDC"), kUsdc);
  EXPECT_EQ(known.ImitatedBy(kStranger, "dogwifhat", ""), kWif);
  EXPECT_EQ(known.ImitatedBy(kStranger, "Anything", "W1F"), kWif);
}

TEST(KnownTokens, LeavesOthersAlone) {
  const KnownTokens& known = KnownTokens::BuiltIn();
  EXPECT_EQ(known.ImitatedBy(kUsdc, "USD Coin", "USDC"), std::nullopt);
  // A well-known token that goes by a name of another is still itself.
  EXPECT_EQ(known.ImitatedBy(kWif, "USD Coin", "USDC"), std::nullopt);
  EXPECT_EQ(known.ImitatedBy(kStranger, "Spirit of Liberty", "SPIRIT"), std::nullopt);
  EXPECT_EQ(known.ImitatedBy(kStranger, "", ""), std::nullopt);
  EXPECT_EQ(known.ImitatedBy(kStranger, "$", "$"), std::nullopt);
}

TEST(KnownTokens, PrefersTheSameChain) {
  const TokenRef stranger{chain::Chain::kEthereum,
                          chain::Address::ParseEvm("0x1111111111111111111111111111111111111111").value()};
  const std::optional<TokenRef> imitated = KnownTokens::BuiltIn().ImitatedBy(stranger, "", "USDC");
  ASSERT_TRUE(imitated.has_value());
  EXPECT_EQ(ToText(*imitated), "ethereum:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48");
  // Known on another chain only.
  EXPECT_EQ(KnownTokens::BuiltIn().ImitatedBy(stranger, "", "WIF"), kWif);
  EXPECT_GT(KnownTokens::BuiltIn().size(), 40u);
}

}  // namespace
}  // namespace tokenwatch::resolver

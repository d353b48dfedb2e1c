#include "chain/solana/quote_tokens.h"

#include <gtest/gtest.h>

namespace tokenwatch::chain {
namespace {

TEST(QuoteTokensTest, EveryEntryIsAnAddressAndFoundByIt) {
  for (const QuoteToken& token : kQuoteTokens) {
    const std::optional<Address> address = Address::ParseSolana(token.address);
    ASSERT_TRUE(address) << token.symbol;
    EXPECT_EQ(FindQuoteToken(*address)->symbol, token.symbol);
    EXPECT_TRUE(IsQuoteToken(*address));
  }
}

TEST(QuoteTokensTest, OthersAreNone) {
  EXPECT_FALSE(IsQuoteToken(Address()));
  EXPECT_FALSE(IsQuoteToken(*Address::ParseSolana("JA4Hrx9MitYmwBXm4XzRJ2XHSRz9SNwWcVKj3jTdpump")));
  EXPECT_EQ(FindQuoteToken(*Address::ParseSolana("So11111111111111111111111111111111111111112"))->decimals, 9);
}

}  // namespace
}  // namespace tokenwatch::chain

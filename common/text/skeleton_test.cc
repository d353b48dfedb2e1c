#include "common/text/skeleton.h"

#include <string>

#include <gtest/gtest.h>

namespace tokenwatch::common {
namespace {

bool LooksLike(absl::string_view a, absl::string_view b) {
  return Skeleton(a) == Skeleton(b) || CasedSkeleton(a) == CasedSkeleton(b);
}

TEST(Skeleton, TextsThatLookAlikeAreEqual) {
  EXPECT_TRUE(LooksLike("USDC", "usdc"));
  EXPECT_TRUE(LooksLike("USDC", "ＵＳＤＣ"));                       // full width
  EXPECT_TRUE(LooksLike("USDC", "U\u0405DC"));                      // Cyrillic Dze
  EXPECT_TRUE(LooksLike("USDC", "USD\u0421"));                      // Cyrillic Es
  EXPECT_TRUE(LooksLike("usdc", "u\u0455d\u0441"));                 // the same in small letters
  EXPECT_TRUE(LooksLike("USDT", "USD\u0422"));                      // Cyrillic Te
  EXPECT_TRUE(LooksLike("usdt", "usd\u0442"));                      // small Cyrillic te
  EXPECT_TRUE(LooksLike("BONK", "B0NK"));                           // zero
  EXPECT_TRUE(LooksLike("WIF", "W1F"));                             // one
  EXPECT_TRUE(LooksLike("JITO", "JlTO"));                           // small l
  EXPECT_TRUE(LooksLike("Atlas", "At\u13DEas"));                    // Cherokee
  EXPECT_TRUE(LooksLike("SOL", "\U0001D412\U0001D40E\U0001D40B"));  // mathematical bold
  EXPECT_TRUE(LooksLike("USD Coin", "USDCoin"));
  EXPECT_TRUE(LooksLike("bonk", "ʙᴏɴᴋ"));  // small capitals
}

TEST(Skeleton, TextsThatDifferStayDifferent) {
  EXPECT_FALSE(LooksLike("USDC", "USDT"));
  EXPECT_FALSE(LooksLike("BONK", "BONKS"));
  EXPECT_FALSE(LooksLike("JLP", "JIP"));
  EXPECT_FALSE(LooksLike("WIF", "WAF"));
  EXPECT_FALSE(LooksLike("", "a"));
}

TEST(Skeleton, TakesAnyBytes) {
  EXPECT_EQ(Skeleton(""), "");
  EXPECT_NO_FATAL_FAILURE(Skeleton("\xff\xfe\x80"));
  EXPECT_EQ(Skeleton(Skeleton("USDC")), Skeleton("USDC"));
}

}  // namespace
}  // namespace tokenwatch::common

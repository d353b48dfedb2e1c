#include "chain/amount.h"

#include <random>
#include <string>
#include <type_traits>

#include <boost/multiprecision/cpp_int.hpp>
#include <gtest/gtest.h>

#include "absl/hash/hash_testing.h"

namespace tokenwatch::chain {
namespace {

static_assert(std::is_trivially_copyable_v<Amount> && sizeof(Amount) == 32);

constexpr char kMax[] = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

TEST(AmountTest, SmallValues) {
  EXPECT_EQ(Amount().ToString(), "0");
  EXPECT_EQ(Amount(7).ToString(), "7");
  EXPECT_EQ(Amount(~uint64_t{0}).ToString(), "18446744073709551615");
  EXPECT_EQ(Amount::Parse("18446744073709551615"), Amount(~uint64_t{0}));
  EXPECT_EQ(Amount::Parse("007"), Amount(7));
  EXPECT_TRUE(Amount::Parse("0")->IsZero());
}

TEST(AmountTest, LargeValues) {
  const std::optional<Amount> above = Amount::Parse("18446744073709551616");
  ASSERT_TRUE(above);
  EXPECT_FALSE(above->FitsUint64());
  EXPECT_FALSE(above->IsZero());
  EXPECT_EQ(above->ToString(), "18446744073709551616");
  EXPECT_GT(*above, Amount(~uint64_t{0}));
  EXPECT_EQ(Amount::Parse(kMax)->ToString(), kMax);
  EXPECT_EQ(Amount::Parse("10000000000000000000000000000000000000")->ToString(),
            "10000000000000000000000000000000000000");
}

TEST(AmountTest, RefusesWhatIsNoAmount) {
  std::string too_large = kMax;
  too_large.back() = '6';
  for (const std::string& bad :
       {std::string(), std::string("-1"), std::string("+1"), std::string("1.0"), std::string("1e3"), std::string(" 1"),
        std::string("1 "), std::string("0x10"), too_large, std::string(kMax) + "0", std::string(79, '0'),
        std::string("12345678901234567890a")}) {
    EXPECT_EQ(Amount::Parse(bad), std::nullopt) << bad;
  }
}

TEST(AmountTest, AgreesWithBoostForEveryWidth) {
  using boost::multiprecision::cpp_int;
  std::mt19937_64 random(3);
  for (int bits = 1; bits <= 256; ++bits) {
    cpp_int value = 0;
    for (int i = 0; i < 4; ++i) value = (value << 64) | random();
    value >>= 256 - bits;
    const std::string text = value.str();
    const std::optional<Amount> amount = Amount::Parse(text);
    ASSERT_TRUE(amount) << text;
    EXPECT_EQ(amount->ToString(), text);
    cpp_int limbs = 0;
    for (size_t i = 4; i-- > 0;) limbs = (limbs << 64) | amount->limbs()[i];
    EXPECT_EQ(limbs, value);
  }
}

TEST(AmountTest, OrderAndHash) {
  EXPECT_LT(*Amount::Parse("99999999999999999999"), *Amount::Parse("100000000000000000000"));
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly({Amount(0), Amount(1), *Amount::Parse(kMax)}));
}

}  // namespace
}  // namespace tokenwatch::chain

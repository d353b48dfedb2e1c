#include "pricing/ratio.h"

#include <array>
#include <cmath>
#include <compare>
#include <random>

#include <boost/multiprecision/cpp_bin_float.hpp>
#include <boost/multiprecision/cpp_int.hpp>
#include <gtest/gtest.h>

#include "pricing/amount_math.h"
#include "pricing/testing/trades.h"

namespace tokenwatch::pricing {
namespace {

using boost::multiprecision::cpp_int;
using testing::SomeTrade;

cpp_int IntegerOf(const chain::Amount& amount) { return cpp_int(amount.ToString()); }

// Any number of bits is as likely as any other.
chain::Amount RandomAmount(std::mt19937_64& random) {
  std::array<uint64_t, 4> limbs{};
  const uint64_t bits = 1 + random() % 256;
  for (size_t i = 0; i < 4 && i * 64 < bits; ++i) {
    limbs[i] = random();
    if (bits < (i + 1) * 64) limbs[i] &= (uint64_t{1} << (bits - i * 64)) - 1;
  }
  return chain::Amount(limbs);
}

Ratio RandomRatio(std::mt19937_64& random) {
  Ratio ratio{RandomAmount(random), RandomAmount(random)};
  if (ratio.token_units.IsZero()) ratio.token_units = 1;
  return ratio;
}

chain::Amount Times(const chain::Amount& amount, uint64_t factor) {
  chain::Amount product;
  for (uint64_t i = 0; i < factor; ++i) AddSaturating(amount, product);
  return product;
}

TEST(RatioTest, ComparesAsTheCrossProductsDo) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const Ratio a = RandomRatio(random);
    const Ratio b = RandomRatio(random);
    const cpp_int left = IntegerOf(a.quote_units) * IntegerOf(b.token_units);
    const cpp_int right = IntegerOf(b.quote_units) * IntegerOf(a.token_units);
    const std::strong_ordering expected = left < right   ? std::strong_ordering::less
                                          : left > right ? std::strong_ordering::greater
                                                         : std::strong_ordering::equal;
    ASSERT_EQ(Compare(a, b), expected) << left << " " << right;
    ASSERT_EQ(std::is_gt(Compare(b, a)), left < right);
    ASSERT_EQ(std::is_lt(Compare(b, a)), left > right);
    ASSERT_EQ(IsHigher(a, b), left > right);
  }
}

TEST(RatioTest, NeighboursDifferAndMultiplesAreEqual) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 20'000; ++i) {
    Ratio a = RandomRatio(random);
    // Room for the multiple.
    const uint64_t factor = 2 + random() % 5;
    a.quote_units = chain::Amount(std::array<uint64_t, 4>{a.quote_units.limbs()[0] | 1, a.quote_units.limbs()[1],
                                                          a.quote_units.limbs()[2], a.quote_units.limbs()[3] >> 8});
    a.token_units = chain::Amount(std::array<uint64_t, 4>{a.token_units.limbs()[0] | 1, a.token_units.limbs()[1],
                                                          a.token_units.limbs()[2], a.token_units.limbs()[3] >> 8});
    const Ratio multiple{Times(a.quote_units, factor), Times(a.token_units, factor)};
    ASSERT_EQ(Compare(a, multiple), std::strong_ordering::equal);
    ASSERT_FALSE(a == multiple);
    Ratio higher = a;
    AddSaturating(1, higher.quote_units);
    ASSERT_TRUE(IsHigher(higher, a));
    ASSERT_TRUE(IsHigher(higher, multiple));
    Ratio lower = a;
    AddSaturating(1, lower.token_units);
    ASSERT_TRUE(IsHigher(a, lower));
  }
}

TEST(RatioTest, SumsStayAtTheLargestAmount) {
  std::mt19937_64 random(3);
  const cpp_int largest = (cpp_int(1) << 256) - 1;
  for (int i = 0; i < 50'000; ++i) {
    const chain::Amount a = RandomAmount(random);
    chain::Amount sum = RandomAmount(random);
    const cpp_int expected = IntegerOf(a) + IntegerOf(sum);
    AddSaturating(a, sum);
    ASSERT_EQ(IntegerOf(sum), expected > largest ? largest : expected);
  }
}

TEST(RatioTest, PriceIsOfTheReservesWhereTheyAreTold) {
  Trade trade = SomeTrade(1, 1);
  EXPECT_EQ(PriceOf(trade)->ratio, (Ratio{100, 200}));
  EXPECT_TRUE(PriceOf(trade)->from_reserves);
  trade.reserves.reset();
  EXPECT_EQ(PriceOf(trade)->ratio, (Ratio{5, 10}));
  EXPECT_FALSE(PriceOf(trade)->from_reserves);
}

TEST(RatioTest, ZerosAreNoPrice) {
  for (const Reserves& reserves : {Reserves{0, 0}, Reserves{0, 100}, Reserves{200, 0}}) {
    Trade trade = SomeTrade(1, 1);
    // What was paid is not taken for the price of an empty pool.
    trade.reserves = reserves;
    EXPECT_EQ(PriceOf(trade), std::nullopt);
    trade.reserves.reset();
    trade.token_amount = reserves.token;
    trade.quote_amount = reserves.quote;
    EXPECT_EQ(PriceOf(trade), std::nullopt);
  }
}

TEST(RatioTest, DoublesAreWithinTwoUnitsInTheLastPlace) {
  EXPECT_EQ(ToDouble(Ratio{1, 2}, 0, 0), 0.5);
  // 30 SOL for 1,073,000,000 tokens: a fresh curve.
  EXPECT_DOUBLE_EQ(ToDouble(Ratio{30'000'000'000, 1'073'000'000'000'000}, 6, 9), 30.0 / 1'073'000'000);
  std::mt19937_64 random(4);
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t quote = 1 + (random() >> (11 + random() % 40));
    const uint64_t token = 1 + (random() >> (11 + random() % 40));
    const auto nearest = (boost::multiprecision::cpp_bin_float_100(quote) / token).convert_to<double>();
    ASSERT_EQ(ToDouble(Ratio{quote, token}, 9, 9), nearest);
    const auto exact = static_cast<long double>(quote) / static_cast<long double>(token) * 1000;
    const double scaled = ToDouble(Ratio{quote, token}, 9, 6);
    const double unit = std::nextafter(scaled, 1e300) - scaled;
    ASSERT_LE(std::abs(static_cast<long double>(scaled) - exact), static_cast<long double>(unit) * 2);
  }
  const chain::Amount large = *chain::Amount::Parse("1000000000000000000000000000000000000000000");
  EXPECT_NEAR(ToDouble(Ratio{large, 1}, 0, 42), 1, 1e-15);
  EXPECT_NEAR(ToDouble(Ratio{1, large}, 60, 18), 1, 1e-15);
}

}  // namespace
}  // namespace tokenwatch::pricing

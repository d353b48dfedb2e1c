#include "chain/decimal.h"

#include <string>

#include <gtest/gtest.h>

namespace tokenwatch::chain {
namespace {

TEST(DecimalTest, ExactValues) {
  EXPECT_EQ(ScaleDecimal("0", 9), 0u);
  EXPECT_EQ(ScaleDecimal("30", 9), 30'000'000'000u);
  EXPECT_EQ(ScaleDecimal("0.049506909", 9), 49'506'909u);
  EXPECT_EQ(ScaleDecimal("1767779.855019", 6), 1'767'779'855'019u);
  EXPECT_EQ(ScaleDecimal("9.98e-7", 9), 998u);
  EXPECT_EQ(ScaleDecimal("1.5E+3", 0), 1500u);
  EXPECT_EQ(ScaleDecimal("1e9", 9), 1'000'000'000'000'000'000u);
  EXPECT_EQ(ScaleDecimal("18446744073709551615", 0), ~uint64_t{0});
  EXPECT_EQ(ScaleDecimal("-0.0", 3), 0u);
  EXPECT_EQ(ScaleDecimal("0e999999999999", 9), 0u);
  EXPECT_EQ(ScaleDecimal("0.00000000000000000000000000012e30", 0), 120u);
}

TEST(DecimalTest, RoundsToTheNearestAndTiesToEven) {
  EXPECT_EQ(ScaleDecimal("32425292.22108698", 6), 32'425'292'221'087u);
  EXPECT_EQ(ScaleDecimal("30.04950690863592", 9), 30'049'506'909u);
  EXPECT_EQ(ScaleDecimal("0.5", 0), 0u);
  EXPECT_EQ(ScaleDecimal("1.5", 0), 2u);
  EXPECT_EQ(ScaleDecimal("2.5", 0), 2u);
  EXPECT_EQ(ScaleDecimal("2.50000000000000000000000000000001", 0), 3u);
  EXPECT_EQ(ScaleDecimal("0.05", 0), 0u);
  EXPECT_EQ(ScaleDecimal("0.5e-1", 0), 0u);
  EXPECT_EQ(ScaleDecimal("9e-1", 0), 1u);
  EXPECT_EQ(ScaleDecimal("9e-2", 0), 0u);
  EXPECT_EQ(ScaleDecimal("99e-2", 0), 1u);
  EXPECT_EQ(ScaleDecimal("1e-400", 9), 0u);
  EXPECT_EQ(ScaleDecimal("18446744073709551614.5", 0), ~uint64_t{0} - 1);
}

TEST(DecimalTest, RefusesOverflowSignsAndOtherTexts) {
  for (absl::string_view bad : {"18446744073709551616",
                                "18446744073709551615.5",
                                "1e20",
                                "1e999999999999999999999",
                                "18446744074e9",
                                "-1",
                                "-1e-30",
                                "",
                                "-",
                                "+1",
                                ".5",
                                "1.",
                                "01",
                                "1e",
                                "1e+",
                                "1x",
                                " 1",
                                "1 ",
                                "NaN",
                                "Infinity",
                                "0x10",
                                "--1",
                                "1.2.3",
                                "1e2e3"}) {
    EXPECT_EQ(ScaleDecimal(bad, 0), std::nullopt) << bad;
  }
}

TEST(DecimalTest, LongTextsCostTheirLengthOnly) {
  EXPECT_EQ(ScaleDecimal("0." + std::string(100'000, '0') + "1", 9), 0u);
  EXPECT_EQ(ScaleDecimal("1" + std::string(100'000, '0') + "e-100000", 0), 1u);
  EXPECT_EQ(ScaleDecimal("1e1000000000", 9), std::nullopt);
}

}  // namespace
}  // namespace tokenwatch::chain

#include "cli/render/chart.h"

#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_split.h"
#include "cli/render/price.h"
#include "cli/render/text.h"

namespace tokenwatch::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

const absl::Time kStart = absl::FromUnixSeconds(1'783'087'200);

ChartCandle Candle(int minute, double open, double high, double low, double close, double volume = 1) {
  return {kStart + absl::Minutes(minute), open, high, low, close, volume};
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  EXPECT_EQ(lines.back(), "");
  lines.pop_back();
  return lines;
}

TEST(ChartTest, RisingThinFallingThickAndGapsDotted) {
  const std::string chart = CandleChart({Candle(0, 1, 4, 1, 3, 3), Candle(1, 3, 3, 2, 2, 6), Candle(3, 2, 2, 2, 2, 1)},
                                        {.title = "T", .unit = "SOL", .width = 40, .height = 14});
  EXPECT_EQ(chart,
            "T  1m  2 SOL +100.0%  high 4  low 1\n"
            " 2026-07-03 UTC  SOL\n"
            " │       ┤   3.86\n"
            " │       │\n"
            " ┃ █     │\n"
            " ┃ █ . ╻ ┤   2.00\n"
            " ┃       │\n"
            " ┃       │\n"
            " ────────┤\n"
            "   █     ┤ 6\n"
            " ▄ █     │\n"
            " █ █   ▄ ┤ volume\n"
            " ┴───────┘\n"
            " 14:00\n")
      << chart;
}

TEST(ChartTest, FitsAnyWidthAndHeight) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<ChartCandle> candles;
    const int count = 1 + static_cast<int>(random() % 700);
    double price = std::pow(10, static_cast<double>(random() % 24) - 12);
    for (int i = 0; i < count; ++i) {
      if (i > 0 && random() % 5 == 0) continue;
      const double open = price;
      price *= 0.9 + 0.2 * static_cast<double>(random() % 1000) / 1000;
      candles.push_back(Candle(i, open, std::max(open, price) * 1.02, std::min(open, price) * 0.98, price,
                               static_cast<double>(random() % 1000)));
    }
    ChartOptions options;
    options.title = "solana:9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump";
    options.unit = "SOL";
    options.width = 40 + static_cast<int>(random() % 160);
    options.height = 12 + static_cast<int>(random() % 30);
    options.logarithmic = random() % 2 == 0;
    const std::vector<std::string> lines = Lines(CandleChart(candles, options));
    ASSERT_THAT(lines, SizeIs(options.height));
    for (const std::string& line : lines) ASSERT_LE(DisplayWidth(line), options.width) << line;
  }
}

TEST(ChartTest, ManyIntervalsAreDrawnTogether) {
  std::vector<ChartCandle> candles;
  for (int i = 0; i < 600; ++i) candles.push_back(Candle(i, 1 + i % 2, 2, 1, 2 - i % 2));
  const std::string chart = CandleChart(candles, {.unit = "SOL", .width = 80, .height = 20});
  EXPECT_THAT(chart, HasSubstr("9 x 1m"));
}

TEST(ChartTest, OnePriceAloneAndZeros) {
  for (const double price : {1.0, 0.0, 1e-300, 1e300}) {
    const std::vector<std::string> lines =
        Lines(CandleChart({Candle(0, price, price, price, price, 0)}, {.unit = "SOL", .width = 60, .height = 15}));
    EXPECT_THAT(lines, SizeIs(15)) << price;
  }
  EXPECT_EQ(CandleChart({}, {}), "");
}

TEST(ChartTest, SmallPricesShareAnExponent) {
  EXPECT_THAT(CandleChart({Candle(0, 2e-8, 3e-8, 2e-8, 3e-8)}, {.unit = "SOL", .width = 60, .height = 15}),
              HasSubstr("x 1e-9 SOL"));
}

TEST(FormatPriceTest, SixDigitsThatCountAndNoExponent) {
  EXPECT_EQ(FormatPrice(143.25), "143.25");
  EXPECT_EQ(FormatPrice(0.0000000279602349), "0.0000000279602");
  EXPECT_EQ(FormatPrice(1234567.8), "1234568");
  EXPECT_EQ(FormatPrice(0.1), "0.1");
  EXPECT_EQ(FormatPrice(100), "100");
  EXPECT_EQ(FormatPrice(-2.5), "-2.5");
  EXPECT_EQ(FormatPrice(0), "0");
  EXPECT_EQ(FormatPrice(1.0 / 0.0), "?");
  EXPECT_EQ(FormatCount(1'234'567), "1,234,567");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(-1'000), "-1,000");
}

}  // namespace
}  // namespace tokenwatch::cli

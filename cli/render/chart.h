// Candlesticks in a terminal: one column a candle, two steps of price a row, prices on the right, times below, volume
// under it.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace tokenwatch::cli {

struct ChartCandle {
  // A multiple of the interval.
  absl::Time start;
  double open = 0;
  double high = 0;
  double low = 0;
  double close = 0;
  double volume = 0;
};

struct ChartOptions {
  absl::Duration interval = absl::Minutes(1);
  // What a column is called: "1m".
  std::string interval_name = "1m";
  // In front of everything; sanitized already.
  std::string title = {};
  // What prices and volumes are in: "SOL".
  std::string unit = {};
  // Columns and rows of the whole chart; at least kMinChartWidth and kMinChartHeight are used.
  int width = 100;
  int height = 24;
  bool colour = false;
  // Equal steps are equal factors. For prices above zero only.
  bool logarithmic = false;
};

inline constexpr int kMinChartWidth = 40;
inline constexpr int kMinChartHeight = 12;

// At most `width` columns wide. Of candles in order of time. Time is to scale: an interval without a candle shows as a
// dotted line at the price before it. Where there are more intervals than columns, several are drawn as one candle.
// Without candles the text is empty. Rising candles are thin and falling ones thick, so that the chart can be read
// without colour. Pure.
std::string CandleChart(const std::vector<ChartCandle>& candles, const ChartOptions& options);

}  // namespace tokenwatch::cli

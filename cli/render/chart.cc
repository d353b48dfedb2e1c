#include "cli/render/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/render/price.h"
#include "cli/render/style.h"
#include "cli/render/text.h"

namespace tokenwatch::cli {
namespace {

constexpr int kVolumeRows = 3;
constexpr int kRowsBetweenLabels = 3;
constexpr double kWideFactor = 100;
// Columns that a title is worth.
constexpr int kShortTitle = 24;
// "volume".
constexpr int kMinLabelWidth = 6;
// Heading, the line above the chart, the two of the time axis, and the one between chart and volume.
constexpr int kOtherRows = 5;

// What stands in one column.
struct Column {
  // Of the candles merged into it; nullopt where there was none.
  std::optional<ChartCandle> candle;
  // The close before, for a gap.
  double carried = 0;
};

// Prices on a vertical scale of half rows, 0 at the bottom.
class Scale {
 public:
  Scale(double low, double high, int rows, bool logarithmic) : rows_(rows), logarithmic_(logarithmic && low > 0) {
    low_ = At(low);
    high_ = At(high);
    // One price alone: a band around it.
    if (high_ - low_ <= std::abs(high_) * 1e-9) {
      const double band = logarithmic_ ? 0.05 : std::max(std::abs(high_) * 0.05, 1e-300);
      low_ -= band;
      high_ += band;
    }
  }

  // Half rows above the bottom, within the chart.
  double HalfRows(double price) const {
    return std::clamp((At(price) - low_) / (high_ - low_), 0.0, 1.0) * (2 * rows_ - 1);
  }
  // The price in the middle of a row, counted from the top.
  double PriceOf(int row) const {
    const double share = (2 * (rows_ - 1 - row) + 0.5) / (2 * rows_ - 1);
    const double at = low_ + share * (high_ - low_);
    return logarithmic_ ? std::exp(at) : at;
  }

 private:
  double At(double price) const { return logarithmic_ ? std::log(price) : price; }

  const int rows_;
  const bool logarithmic_;
  double low_;
  double high_;
};

// One character for a cell whose lower and upper halves hold nothing, wick or body.
enum class Half : uint8_t { kNone, kWick, kBody };
const char* Glyph(Half upper, Half lower, bool rising) {
  // Rising: a line of double weight as body; falling: blocks.
  static constexpr const char* kRising[3][3] = {{" ", "╷", "╻"}, {"╵", "│", "╽"}, {"╹", "╿", "┃"}};
  static constexpr const char* kFalling[3][3] = {{" ", "╷", "▄"}, {"╵", "│", "▄"}, {"▀", "▀", "█"}};
  const auto& glyphs = rising ? kRising : kFalling;
  return glyphs[static_cast<int>(upper)][static_cast<int>(lower)];
}

Half HalfAt(int half_row, double low, double body_low, double body_high, double high) {
  const double at = half_row;
  if (at >= std::round(body_low) && at <= std::round(body_high)) return Half::kBody;
  if (at >= std::round(low) && at <= std::round(high)) return Half::kWick;
  return Half::kNone;
}

// A power of a thousand that makes prices readable: 2.8e-8 is 28.0 of 1e-9.
int ExponentFor(double high) {
  if (high <= 0 || !std::isfinite(high)) return 0;
  const int exponent = static_cast<int>(std::floor(std::log10(high) / 3)) * 3;
  return exponent >= -3 && exponent <= 3 ? 0 : exponent;
}

std::string Label(double price, int exponent, double step) {
  const double scaled = price / std::pow(10, exponent);
  const double scaled_step = step / std::pow(10, exponent);
  const int decimals =
      scaled_step > 0 ? std::clamp(1 - static_cast<int>(std::floor(std::log10(scaled_step))), 0, 9) : 2;
  return absl::StrFormat("%.*f", decimals, scaled);
}

// The time format that tells labels apart.
std::string TimeLabel(absl::Time time, absl::Duration column, absl::Duration span) {
  const char* format = column < absl::Minutes(1)  ? "%H:%M:%S"
                       : span < absl::Hours(24)   ? "%H:%M"
                       : column < absl::Hours(24) ? "%m-%d %H:%M"
                                                  : "%m-%d";
  return absl::FormatTime(format, time, absl::UTCTimeZone());
}

class Chart {
 public:
  Chart(const std::vector<ChartCandle>& candles, const ChartOptions& options)
      : candles_(candles), options_(options), width_(std::max(options.width, kMinChartWidth)) {
    rows_ = std::max(options.height, kMinChartHeight) - kOtherRows - kVolumeRows;
  }

  std::string Draw() {
    // The width of the labels decides how many columns there are, which decides the labels: prices first.
    low_ = candles_.front().low;
    high_ = candles_.front().high;
    for (const ChartCandle& candle : candles_) {
      low_ = std::min(low_, candle.low);
      high_ = std::max(high_, candle.high);
    }
    const Scale scale(low_, high_, rows_, options_.logarithmic);
    // Prices that are worlds apart have no common exponent.
    const bool wide = options_.logarithmic && low_ > 0 && high_ / low_ > kWideFactor;
    exponent_ = wide ? 0 : ExponentFor(high_);
    for (int row = 0; row < rows_; ++row) {
      // Steps differ on a logarithmic scale: each label is as exact as its place needs.
      const double step = std::abs(scale.PriceOf(std::max(row, 1) - 1) - scale.PriceOf(std::max(row, 1)));
      labels_.push_back(wide ? absl::StrFormat("%.3g", scale.PriceOf(row))
                             : Label(scale.PriceOf(row), exponent_, step));
      label_width_ = std::max(label_width_, static_cast<int>(labels_.back().size()));
    }
    const double last_step = std::abs(scale.PriceOf(0) - scale.PriceOf(1));
    last_label_ =
        wide ? absl::StrFormat("%.3g", candles_.back().close) : Label(candles_.back().close, exponent_, last_step);
    label_width_ = std::max(label_width_, static_cast<int>(last_label_.size()));
    Arrange(width_ - label_width_ - 3);
    return absl::StrCat(Heading(), Prices(scale), Volumes(), TimeAxis());
  }

 private:
  // Puts the candles into columns, several to one where there are too many.
  void Arrange(int room) {
    const auto intervals = (candles_.back().start - candles_.front().start) / options_.interval + 1;
    per_column_ = (intervals + room - 1) / room;
    // Wide candles where there is plenty of room.
    spacing_ = intervals * 2 <= room ? 2 : 1;
    columns_.resize(static_cast<size_t>((intervals + per_column_ - 1) / per_column_));
    for (const ChartCandle& candle : candles_) {
      const auto index = (candle.start - candles_.front().start) / options_.interval / per_column_;
      std::optional<ChartCandle>& place = columns_[static_cast<size_t>(index)].candle;
      if (!place.has_value()) {
        place = candle;
        continue;
      }
      place->high = std::max(place->high, candle.high);
      place->low = std::min(place->low, candle.low);
      place->close = candle.close;
      place->volume += candle.volume;
    }
    double carried = candles_.front().open;
    for (Column& column : columns_) {
      column.carried = carried;
      if (column.candle.has_value()) carried = column.candle->close;
    }
  }

  std::string Paint(absl::string_view text, Style style) const { return Painted(text, style, options_.colour); }
  static Style StyleOf(const ChartCandle& candle) { return candle.close < candle.open ? Style::kBad : Style::kGood; }

  std::string Heading() const {
    const ChartCandle& first = candles_.front();
    const double last = candles_.back().close;
    const double factor = first.open > 0 ? last / first.open : 1;
    const std::string change =
        factor >= 10 ? absl::StrFormat("x%.1f", factor) : absl::StrFormat("%+.1f%%", (factor - 1) * 100);
    std::string each = options_.interval_name;
    if (per_column_ > 1) each = absl::StrCat(per_column_, " x ", options_.interval_name);
    const std::string price = absl::StrCat(each, "  ", FormatPrice(last), " ", options_.unit, " ");
    std::string range = absl::StrCat("  high ", FormatPrice(high_), "  low ", FormatPrice(low_));
    // What does not fit gives way: the range, which the chart shows as well, before the title.
    int room = width_ - DisplayWidth(price) - DisplayWidth(change) - 2;
    if (room - DisplayWidth(range) >= std::min(DisplayWidth(options_.title), kShortTitle)) {
      room -= DisplayWidth(range);
    } else {
      range.clear();
    }
    const std::string title = ShortenMiddle(options_.title, room);
    return absl::StrCat(Paint(title, Style::kTitle), title.empty() ? "" : "  ", price,
                        Paint(change, factor < 1 ? Style::kBad : Style::kGood), range, "\n");
  }

  std::string Prices(const Scale& scale) const {
    // The days on the left, the unit over its labels.
    const auto day = [](absl::Time time) { return absl::FormatTime("%Y-%m-%d", time, absl::UTCTimeZone()); };
    const std::string first = day(candles_.front().start);
    const std::string last = day(candles_.back().start);
    std::string text = absl::StrCat(" ", first, first == last ? "" : absl::StrCat(" to ", last), " UTC");
    const std::string unit = absl::StrCat(exponent_ == 0 ? "" : absl::StrCat("x 1e", exponent_, " "), options_.unit);
    const int free = PlotWidth() + 3 + label_width_ - DisplayWidth(text) - DisplayWidth(unit);
    absl::StrAppend(&text, std::string(static_cast<size_t>(std::max(free, 2)), ' '), unit, "\n");
    const int last_row = rows_ - 1 - static_cast<int>(std::round(scale.HalfRows(candles_.back().close))) / 2;
    for (int row = 0; row < rows_; ++row) {
      const int lower_half = 2 * (rows_ - 1 - row);
      absl::StrAppend(&text, " ");
      for (const Column& column : columns_) {
        absl::StrAppend(&text, Cell(scale, column, lower_half));
        if (spacing_ == 2) absl::StrAppend(&text, " ");
      }
      const bool labelled = row == last_row || (std::abs(row - last_row) > 1 && row % kRowsBetweenLabels == 0);
      const std::string label = !labelled ? "" : row == last_row ? last_label_ : labels_[static_cast<size_t>(row)];
      const std::string padded = labelled ? absl::StrFormat(" %*s", label_width_, label) : "";
      absl::StrAppend(&text, labelled ? "┤" : "│", row == last_row ? Paint(padded, StyleOf(candles_.back())) : padded,
                      "\n");
    }
    return text;
  }

  std::string Cell(const Scale& scale, const Column& column, int lower_half) const {
    if (!column.candle.has_value()) {
      const int at = static_cast<int>(std::round(scale.HalfRows(column.carried)));
      return at / 2 == lower_half / 2 ? (at % 2 == 0 ? "." : "·") : " ";
    }
    const ChartCandle& candle = *column.candle;
    const double low = scale.HalfRows(candle.low);
    const double high = scale.HalfRows(candle.high);
    const double body_low = scale.HalfRows(std::min(candle.open, candle.close));
    const double body_high = scale.HalfRows(std::max(candle.open, candle.close));
    const Half upper = HalfAt(lower_half + 1, low, body_low, body_high, high);
    const Half lower = HalfAt(lower_half, low, body_low, body_high, high);
    if (upper == Half::kNone && lower == Half::kNone) return " ";
    return Paint(Glyph(upper, lower, candle.close >= candle.open), StyleOf(candle));
  }

  std::string Volumes() const {
    static constexpr const char* kBars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double most = 0;
    for (const Column& column : columns_) {
      if (column.candle.has_value()) most = std::max(most, column.candle->volume);
    }
    std::string text = absl::StrCat(" ", Repeated("─", PlotWidth()), "┤\n");
    for (int row = kVolumeRows - 1; row >= 0; --row) {
      absl::StrAppend(&text, " ");
      for (const Column& column : columns_) {
        const double eighths =
            !column.candle.has_value() || most <= 0 ? 0 : column.candle->volume / most * 8 * kVolumeRows;
        // A volume that is there is seen.
        const int filled = eighths > 0 ? std::max(1, static_cast<int>(std::round(eighths))) : 0;
        const char* bar = kBars[std::clamp(filled - 8 * row, 0, 8)];
        absl::StrAppend(&text, *bar == ' ' ? std::string(bar) : Paint(bar, StyleOf(*column.candle)),
                        spacing_ == 2 ? " " : "");
      }
      absl::StrAppend(&text,
                      row == kVolumeRows - 1 ? absl::StrCat("┤ ", ShortenEnd(FormatPrice(most), label_width_))
                      : row == 0             ? "┤ volume"
                                             : "│",
                      "\n");
    }
    return text;
  }

  std::string TimeAxis() const {
    const absl::Duration column = options_.interval * per_column_;
    const absl::Duration span = candles_.back().start - candles_.front().start;
    const int label_width = static_cast<int>(TimeLabel(candles_.front().start, column, span).size());
    // Room for a label and two blanks, in whole columns, at a round number of them.
    int every = 5;
    while (every * spacing_ < label_width + 2) every += 5;
    if (PlotWidth() / (every * spacing_) > 10) every *= 2;
    std::string line;
    std::string labels = " ";
    for (int i = 0; i < static_cast<int>(columns_.size()); ++i) {
      const bool marked = i % every == 0;
      absl::StrAppend(&line, marked ? "┴" : "─", spacing_ == 2 ? "─" : "");
      if (!marked) continue;
      labels.resize(1 + static_cast<size_t>(i) * static_cast<size_t>(spacing_), ' ');
      absl::StrAppend(&labels, TimeLabel(candles_.front().start + column * i, column, span));
    }
    return absl::StrCat(" ", line, "┘\n", labels, "\n");
  }

  int PlotWidth() const { return static_cast<int>(columns_.size()) * spacing_; }
  static std::string Repeated(absl::string_view text, int count) {
    std::string repeated;
    for (int i = 0; i < count; ++i) absl::StrAppend(&repeated, text);
    return repeated;
  }

  const std::vector<ChartCandle>& candles_;
  const ChartOptions& options_;
  const int width_;
  int rows_;
  double low_ = 0;
  double high_ = 0;
  int exponent_ = 0;
  std::vector<std::string> labels_;
  std::string last_label_;
  int label_width_ = kMinLabelWidth;
  int64_t per_column_ = 1;
  int spacing_ = 1;
  std::vector<Column> columns_;
};

}  // namespace

std::string CandleChart(const std::vector<ChartCandle>& candles, const ChartOptions& options) {
  if (candles.empty()) return "";
  return Chart(candles, options).Draw();
}

}  // namespace tokenwatch::cli

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/commands/commands.h"
#include "cli/commands/price_parts.h"
#include "cli/commands/shared.h"
#include "cli/commands/token_directory.h"
#include "cli/render/amount.h"
#include "cli/render/chart.h"
#include "cli/render/price.h"
#include "cli/render/text.h"
#include "cli/render/time.h"

namespace tokenwatch::cli {
namespace {

namespace v1 = pricing::v1;

constexpr int32_t kMaxPage = 5000;
constexpr int32_t kDefaultCandles = 100;
constexpr int kDefaultChartWidth = 100;
constexpr int kDefaultChartHeight = 24;

struct IntervalName {
  const char* name;
  v1::CandleInterval interval;
  absl::Duration length;
};
const IntervalName& FindInterval(const std::string& name) {
  static const IntervalName kIntervals[] = {{"1m", v1::CANDLE_INTERVAL_1M, absl::Minutes(1)},
                                            {"1s", v1::CANDLE_INTERVAL_1S, absl::Seconds(1)},
                                            {"5m", v1::CANDLE_INTERVAL_5M, absl::Minutes(5)},
                                            {"1h", v1::CANDLE_INTERVAL_1H, absl::Hours(1)},
                                            {"1d", v1::CANDLE_INTERVAL_1D, absl::Hours(24)}};
  for (const IntervalName& interval : kIntervals) {
    if (name == interval.name) return interval;
  }
  return kIntervals[0];
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(absl::ToUnixSeconds(time));
  return timestamp;
}

struct Candles {
  std::vector<v1::Candle> rows;
  std::string quote_address;
  // There are more than the limit lets through.
  bool cut = false;
};

absl::StatusOr<Candles> Read(Context& context, const common::v1::TokenRef& token, const IntervalName& interval,
                             int32_t default_limit) {
  const ParsedArgs& args = context.args();
  v1::ListCandlesRequest request;
  *request.mutable_token() = token;
  request.set_interval(interval.interval);
  request.set_quote_address(args.Text("quote"));
  if (const auto from = args.Time("from", context.now())) *request.mutable_from() = ToProto(*from);
  if (const auto to = args.Time("to", context.now())) *request.mutable_to() = ToProto(*to);
  const uint64_t limit = args.Number("limit", static_cast<uint64_t>(default_limit));
  Candles candles;
  while (true) {
    request.set_page_size(static_cast<int32_t>(std::min<uint64_t>(limit - candles.rows.size(), kMaxPage)));
    const auto response = context.clients().Call(&PricingStub::ListCandles, request);
    if (!response.ok()) return response.status();
    candles.quote_address = response->quote_address();
    candles.rows.insert(candles.rows.end(), response->candles().begin(), response->candles().end());
    if (response->next_page_token().empty()) return candles;
    if (candles.rows.size() >= limit) {
      candles.cut = true;
      return candles;
    }
    if (response->next_page_token() == request.page_token()) {
      return absl::InternalError("the service gives the same page again and again");
    }
    request.set_page_token(response->next_page_token());
  }
}

// The shortest text that reads back as the same number, as programs like it; empty when it is not known.
std::string Exact(bool known, double value) { return known ? absl::StrFormat("%.17g", value) : ""; }

std::string Csv(const Candles& candles) {
  std::string text =
      "start,open,high,low,close,quote_volume,token_volume,trades,buys,open_quote_units,open_token_units,"
      "close_quote_units,close_token_units,is_open\n";
  for (const v1::Candle& candle : candles.rows) {
    absl::StrAppend(&text, absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", FromProto(candle.start()), absl::UTCTimeZone()), ",");
    absl::StrAppend(&text, Exact(candle.has_open_price(), candle.open_price()), ",",
                    Exact(candle.has_high_price(), candle.high_price()), ",",
                    Exact(candle.has_low_price(), candle.low_price()), ",",
                    Exact(candle.has_close_price(), candle.close_price()), ",");
    absl::StrAppend(&text, candle.quote_volume(), ",", candle.token_volume(), ",", candle.trades(), ",", candle.buys(),
                    ",", candle.open().quote_units(), ",", candle.open().token_units(), ",");
    absl::StrAppend(&text, candle.close().quote_units(), ",", candle.close().token_units(), ",",
                    candle.is_open() ? "true" : "false", "\n");
  }
  return text;
}

std::string Json(const Candles& candles) {
  std::string text;
  for (const v1::Candle& candle : candles.rows) absl::StrAppend(&text, ToJson(candle), "\n");
  return text;
}

std::string AsTable(const Candles& candles, const std::string& chain, const Context& context) {
  const std::string quote = QuoteName(chain, candles.quote_address);
  Table table({{.title = "START"},
               {.title = "OPEN", .align = Align::kRight},
               {.title = "HIGH", .align = Align::kRight},
               {.title = "LOW", .align = Align::kRight},
               {.title = absl::StrCat("CLOSE ", quote), .align = Align::kRight, .shrink = Shrink::kEnd},
               {.title = "VOLUME", .align = Align::kRight},
               {.title = "TRADES", .align = Align::kRight},
               {.title = "BUYS", .align = Align::kRight, .drop_order = 1},
               {.title = "NOTE", .drop_order = 2}},
              context.terminal());
  for (const v1::Candle& candle : candles.rows) {
    const auto price = [](bool known, double value) { return known ? FormatPrice(value) : std::string(); };
    const bool fell = candle.close_price() < candle.open_price();
    table.AddRow({absl::FormatTime("%Y-%m-%d %H:%M:%SZ", FromProto(candle.start()), absl::UTCTimeZone()),
                  price(candle.has_open_price(), candle.open_price()),
                  price(candle.has_high_price(), candle.high_price()),
                  price(candle.has_low_price(), candle.low_price()),
                  Cell(price(candle.has_close_price(), candle.close_price()), fell ? Style::kBad : Style::kGood),
                  QuoteAmountText(candle.quote_volume(), chain, candles.quote_address), absl::StrCat(candle.trades()),
                  absl::StrCat(candle.buys()), candle.is_open() ? "still open" : ""});
  }
  return table.TakeText();
}

// Whole units for the bars of volume, which need no more digits than a double has.
double Approximate(const std::string& base_units, uint32_t decimals) {
  double value = 0;
  for (const char c : base_units) value = value * 10 + (c - '0');
  for (uint32_t i = 0; i < decimals; ++i) value /= 10;
  return value;
}

absl::StatusOr<std::string> Plot(Context& context, const Candles& candles, const common::v1::TokenRef& token,
                                 const IntervalName& interval) {
  const std::optional<QuoteAsset> quote = KnownQuoteAsset(token.chain(), candles.quote_address);
  std::vector<ChartCandle> drawn;
  for (const v1::Candle& candle : candles.rows) {
    if (!candle.has_open_price()) {
      return absl::FailedPreconditionError(
          "the decimals of the token or its quote asset are not known: --csv has the exact ratios");
    }
    drawn.push_back({FromProto(candle.start()), candle.open_price(), candle.high_price(), candle.low_price(),
                     candle.close_price(),
                     Approximate(candle.quote_volume(), quote.has_value() ? quote->decimals : 0)});
  }
  TokenDirectory tokens(context);
  tokens.Learn(std::set<std::string>{TokenText(token)});
  ChartOptions options;
  options.interval = interval.length;
  options.interval_name = interval.name;
  const std::string symbol = tokens.Find(token.chain(), token.address()).symbol;
  options.title = SanitizeText(absl::StrCat(symbol, symbol.empty() ? "" : "  ", TokenText(token)));
  options.unit = SanitizeText(QuoteName(token.chain(), candles.quote_address));
  const Terminal& terminal = context.terminal();
  options.width = static_cast<int>(
      context.args().Number("width", terminal.width > 0 ? static_cast<uint64_t>(terminal.width) : kDefaultChartWidth));
  // The prompt needs a row, too.
  options.height = static_cast<int>(context.args().Number(
      "height", terminal.height > 1 ? static_cast<uint64_t>(std::min(terminal.height - 1, 40)) : kDefaultChartHeight));
  options.colour = terminal.colour;
  options.logarithmic = context.args().Has("log");
  return CandleChart(drawn, options);
}

}  // namespace

absl::StatusOr<int> ListCandles(Context& context) {
  const common::v1::TokenRef token = ParseTokenRef(context.args().positionals().front());
  const IntervalName& interval = FindInterval(context.args().Text("interval"));
  const bool plot = context.args().Has("plot");
  const int32_t by_default = plot && context.terminal().width > 0 ? context.terminal().width : kDefaultCandles;
  const absl::StatusOr<Candles> candles = Read(context, token, interval, by_default);
  if (!candles.ok()) return candles.status();
  absl::StatusOr<std::string> text = context.json()              ? Json(*candles)
                                     : context.args().Has("csv") ? Csv(*candles)
                                     : plot                      ? Plot(context, *candles, token, interval)
                                                                 : AsTable(*candles, token.chain(), context);
  if (!text.ok()) return text.status();
  if (absl::Status printed = context.Print(*text); !printed.ok()) return printed;
  if (candles->rows.empty()) context.Hint("nothing was traded in that time");
  if (candles->cut) context.Hint("there are more: --limit shows more, --from says where they begin");
  return kExitOk;
}

}  // namespace tokenwatch::cli

#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/commands/commands.h"
#include "cli/commands/price_parts.h"
#include "cli/commands/shared.h"
#include "cli/commands/token_directory.h"
#include "cli/render/price.h"
#include "cli/render/time.h"

namespace tokenwatch::cli {
namespace {

namespace v1 = pricing::v1;

constexpr uint64_t kDefaultHot = 20;

}  // namespace

absl::StatusOr<int> ListHotTokens(Context& context) {
  const uint64_t limit = context.args().Number("limit", kDefaultHot);
  v1::ListHotTokensRequest request;
  request.set_chain(context.args().Text("chain"));
  std::vector<v1::HotToken> rows;
  const auto pages = ForEachRow(
      context, &PricingStub::ListHotTokens, request, limit,
      [](const v1::ListHotTokensResponse& response) -> const auto& { return response.tokens(); },
      [&](const v1::HotToken& token) {
        if (context.json()) return context.Print(absl::StrCat(ToJson(token), "\n"));
        rows.push_back(token);
        return absl::OkStatus();
      });
  if (!pages.ok()) return pages.status();
  Table table({{.title = "RANK", .align = Align::kRight},
               {.title = "TOKEN", .shrink = Shrink::kMiddle},
               {.title = "SYMBOL", .shrink = Shrink::kEnd},
               {.title = "SCORE", .align = Align::kRight},
               {.title = "PRICE", .align = Align::kRight},
               {.title = "USD", .align = Align::kRight},
               {.title = "TRADES", .align = Align::kRight},
               {.title = "TRADERS", .align = Align::kRight, .drop_order = 2},
               {.title = "VOLUME", .align = Align::kRight, .drop_order = 1},
               {.title = "OFF HIGH", .align = Align::kRight, .drop_order = 3},
               {.title = "FIRST TRADE", .drop_order = 4}},
              context.terminal());
  TokenDirectory tokens(context);
  std::set<std::string> names;
  for (const v1::HotToken& row : rows) names.insert(TokenText(row.price().token()));
  if (!names.empty()) tokens.Learn(names);
  for (const v1::HotToken& row : rows) {
    const v1::Price& price = row.price();
    const std::string& chain = price.token().chain();
    // The ratios of one series have the same decimals: their quotient needs none.
    std::string off_high;
    double high = 0;
    double high_tokens = 0;
    double now = 0;
    double now_tokens = 0;
    if (absl::SimpleAtod(row.high().quote_units(), &high) && absl::SimpleAtod(row.high().token_units(), &high_tokens) &&
        absl::SimpleAtod(price.quote_units(), &now) && absl::SimpleAtod(price.token_units(), &now_tokens)) {
      const double share = (now / now_tokens) / (high / high_tokens) - 1;
      off_high = share < 0 ? absl::StrFormat("%.1f%%", share * 100) : "at high";
    }
    table.AddRow({absl::StrCat(row.rank()), TokenText(price.token()),
                  tokens.Find(chain, price.token().address()).symbol, FormatPrice(row.score()), PriceText(price),
                  UsdText(price), absl::StrCat(row.trades()),
                  absl::StrCat(row.traders_estimated() ? "~" : "", row.traders()),
                  QuoteAmountText(row.quote_volume(), chain, price.quote_address()), off_high,
                  row.has_first_trade_at() ? FormatUtc(FromProto(row.first_trade_at())) : ""});
  }
  if (absl::Status printed = context.Print(table.TakeText()); !printed.ok()) return printed;
  if (pages->rows == 0) context.Hint("no token has traded lately");
  return kExitOk;
}

}  // namespace tokenwatch::cli

#include "cli/render/price.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/commands/price_parts.h"
#include "cli/commands/shared.h"
#include "cli/follow.h"
#include "cli/render/amount.h"
#include "cli/render/time.h"

namespace tokenwatch::cli {
namespace {

namespace v1 = pricing::v1;

constexpr int kDefaultAttempts = 8;

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(absl::ToUnixSeconds(time));
  timestamp.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(timestamp.seconds()))));
  return timestamp;
}

v1::PricePolicy PolicyOf(const std::string& name) {
  return name == "aggregate"  ? v1::PRICE_POLICY_AGGREGATE
         : name == "log-only" ? v1::PRICE_POLICY_LOG_ONLY
                              : v1::PRICE_POLICY_FIRST_GOOD;
}

}  // namespace

absl::StatusOr<int> ShowPrice(Context& context) {
  const ParsedArgs& args = context.args();
  v1::GetPriceRequest request;
  *request.mutable_token() = ParseTokenRef(args.positionals().front());
  if (const auto at = args.Time("at", context.now())) *request.mutable_at() = ToProto(*at);
  if (args.Has("max-age")) request.mutable_max_age()->set_seconds(args.Duration("max-age", {}) / absl::Seconds(1));
  request.set_policy(PolicyOf(args.Text("policy")));
  request.set_min_sources(static_cast<int32_t>(args.Number("min-sources", 0)));
  request.set_quote_address(args.Text("quote"));
  const auto response = context.clients().Call(&PricingStub::GetPrice, request);
  if (!response.ok()) return response.status();
  std::string text;
  if (context.json()) {
    text = absl::StrCat(ToJson(response->price()), "\n");
  } else {
    text = PriceCard(response->price(), context);
    const std::string sources = SourceTable(response->price(), context);
    if (!sources.empty()) absl::StrAppend(&text, "\n", sources);
  }
  if (absl::Status printed = context.Print(text); !printed.ok()) return printed;
  return kExitOk;
}

absl::StatusOr<int> WatchPrices(Context& context) {
  const ParsedArgs& args = context.args();
  v1::StreamPricesRequest request;
  for (const std::string& token : args.positionals()) *request.add_tokens() = ParseTokenRef(token);
  request.set_with_present(true);
  FollowOptions options;
  options.service = Service::kPricing;
  options.limit = args.Number("limit", 0);
  options.attempts = static_cast<int>(args.Number("retries", kDefaultAttempts));
  TokenDirectory tokens(context);
  Table table({{.title = "TIME", .min_width = 24},
               {.title = "TOKEN", .shrink = Shrink::kMiddle, .min_width = 51},
               {.title = "SYMBOL", .shrink = Shrink::kEnd, .min_width = 10},
               {.title = "PRICE", .align = Align::kRight, .min_width = 20},
               {.title = "USD", .align = Align::kRight, .min_width = 14},
               {.title = "GRADE"},
               {.title = "AGE", .align = Align::kRight, .min_width = 4, .drop_order = 2},
               {.title = "VENUE", .min_width = 8, .drop_order = 1}},
              context.terminal());
  uint64_t conflated = 0;
  const auto print = [&](const v1::StreamPricesResponse& response, int count) {
    std::string text;
    std::set<std::string> names;
    for (int i = 0; i < count; ++i) names.insert(TokenText(response.prices(i).token()));
    if (!context.json()) tokens.Learn(names);
    for (int i = 0; i < count; ++i) {
      const v1::Price& price = response.prices(i);
      if (context.json()) {
        absl::StrAppend(&text, ToJson(price), "\n");
        continue;
      }
      table.AddRow({FormatUtc(FromProto(price.event_time())), TokenText(price.token()),
                    tokens.Find(price.token().chain(), price.token().address()).symbol, PriceText(price),
                    UsdText(price), GradeCell(price.grade()), FormatAge(FromProto(price.age())), price.venue()});
    }
    if (response.conflated() > conflated) {
      context.Hint(absl::StrCat(response.conflated() - conflated, " prices between these were passed over"));
    }
    conflated = response.conflated();
    return context.Print(context.json() ? text : table.TakeText());
  };
  return FollowLog(context, options, [&](FollowPosition& position) -> absl::StatusOr<grpc::Status> {
    grpc::ClientContext call;
    const std::stop_callback cancel(context.environment().stop, [&call] { call.TryCancel(); });
    const auto reader = context.clients().pricing().StreamPrices(&call, request);
    conflated = 0;
    v1::StreamPricesResponse response;
    absl::Status printed;
    while (printed.ok() && !position.done && reader->Read(&response)) {
      position.progressed = true;
      int count = response.prices_size();
      if (position.limited && static_cast<uint64_t>(count) >= position.remaining) {
        count = static_cast<int>(position.remaining);
        position.done = true;
      }
      position.remaining -= position.limited ? static_cast<uint64_t>(count) : 0;
      printed = print(response, count);
    }
    if (!printed.ok() || position.done) call.TryCancel();
    const grpc::Status status = reader->Finish();
    if (!printed.ok()) return printed;
    return position.done ? grpc::Status::OK : status;
  });
}

absl::StatusOr<int> ShowMarkets(Context& context) {
  const common::v1::TokenRef token = ParseTokenRef(context.args().positionals().front());
  if (context.args().Has("refresh")) {
    v1::RefreshMarketsRequest refresh;
    *refresh.add_tokens() = token;
    const auto refreshed = context.clients().Call(&PricingStub::RefreshMarkets, refresh);
    if (!refreshed.ok()) return refreshed.status();
  }
  v1::GetMarketsRequest request;
  *request.mutable_token() = token;
  const auto response = context.clients().Call(&PricingStub::GetMarkets, request);
  if (!response.ok()) return response.status();
  std::string text;
  Table table({{.title = "VENUE"},
               {.title = "SOURCE"},
               {.title = "PRICE", .align = Align::kRight},
               {.title = "USD", .align = Align::kRight},
               {.title = "LIQUIDITY USD", .align = Align::kRight},
               {.title = "VOLUME", .align = Align::kRight},
               {.title = "TRADES", .align = Align::kRight},
               {.title = "UPDATED", .drop_order = 1},
               {.title = "POOL", .shrink = Shrink::kMiddle, .drop_order = 2}},
              context.terminal());
  for (const v1::Market& market : response->markets()) {
    if (context.json()) {
      absl::StrAppend(&text, ToJson(market), "\n");
      continue;
    }
    double liquidity = 0;
    table.AddRow({market.venue(), market.source(), PriceText(market.price()), UsdText(market.price()),
                  absl::SimpleAtod(market.liquidity_usd(), &liquidity) ? FormatPrice(liquidity) : "",
                  QuoteAmountText(market.quote_volume(), token.chain(), market.quote_address()),
                  market.trades() == 0 ? "" : absl::StrCat(market.trades()),
                  market.has_updated_at() ? FormatUtc(FromProto(market.updated_at())) : "", market.pool()});
  }
  if (absl::Status printed = context.Print(context.json() ? text : table.TakeText()); !printed.ok()) return printed;
  if (response->markets_size() == 0) context.Hint("no market of this token is known");
  return kExitOk;
}

absl::StatusOr<int> ShowHistory(Context& context) {
  v1::GetMarketsRequest request;
  *request.mutable_token() = ParseTokenRef(context.args().positionals().front());
  const std::string& chain = request.token().chain();
  const auto response = context.clients().Call(&PricingStub::GetMarkets, request);
  if (!response.ok()) return response.status();
  std::string text;
  Table table({{.title = "HIGH", .align = Align::kRight},
               {.title = "HIGH AT"},
               {.title = "LOW", .align = Align::kRight},
               {.title = "LOW AT", .drop_order = 3},
               {.title = "TRADES", .align = Align::kRight},
               {.title = "TRADERS", .align = Align::kRight},
               {.title = "VOLUME", .align = Align::kRight},
               {.title = "FIRST TRADE", .drop_order = 2},
               {.title = "NEWEST", .drop_order = 1},
               {.title = "COMPLETE"},
               {.title = "HIGH TRANSACTION", .shrink = Shrink::kMiddle, .drop_order = 4}},
              context.terminal());
  const auto at = [](const v1::PricePoint& point) { return point.has_at() ? FormatUtc(FromProto(point.at())) : ""; };
  for (const v1::TradingHistory& history : response->histories()) {
    if (context.json()) {
      absl::StrAppend(&text, ToJson(history), "\n");
      continue;
    }
    const auto price = [&](const v1::PricePoint& point) {
      return point.has_price()
                 ? absl::StrCat(FormatPrice(point.price()), " ", QuoteName(chain, history.quote_address()))
                 : "";
    };
    table.AddRow({price(history.high()), at(history.high()), price(history.low()), at(history.low()),
                  FormatCount(history.trades()),
                  absl::StrCat(history.traders_estimated() ? "~" : "", FormatCount(history.traders())),
                  QuoteAmountText(history.quote_volume(), chain, history.quote_address()),
                  FormatUtc(FromProto(history.first_trade_at())), FormatUtc(FromProto(history.newest_trade_at())),
                  history.is_partial() ? "no" : "yes", history.high().transaction()});
  }
  if (absl::Status printed = context.Print(context.json() ? text : table.TakeText()); !printed.ok()) return printed;
  if (response->histories_size() == 0) context.Hint("no trade of this token was seen");
  return kExitOk;
}

}  // namespace tokenwatch::cli

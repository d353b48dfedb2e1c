#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/commands/shared.h"
#include "cli/commands/token_directory.h"
#include "cli/follow.h"
#include "cli/render/amount.h"
#include "cli/render/time.h"

namespace tokenwatch::cli {
namespace {

namespace v1 = detector::v1;

v1::TradeFilter ReadFilter(const ParsedArgs& args) {
  v1::TradeFilter filter;
  for (const std::string& chain : args.Texts("chain")) filter.add_chains(chain);
  for (const std::string& wallet : args.Texts("wallet")) filter.add_traders(wallet);
  for (const std::string& venue : args.Texts("venue")) filter.add_venues(venue);
  for (const std::string& text : args.Texts("token")) {
    // With its chain a token also says which chain is meant.
    if (text.find(':') == std::string::npos) {
      filter.add_tokens(text);
    } else {
      const common::v1::TokenRef token = ParseTokenRef(text);
      filter.add_chains(token.chain());
      filter.add_tokens(token.address());
    }
  }
  if (args.Has("side")) {
    filter.set_side(args.Text("side") == "buy" ? v1::TRADE_SIDE_BUY : v1::TRADE_SIDE_SELL);
  }
  return filter;
}

void AddTrade(const v1::Trade& trade, const TokenDirectory& tokens, Table& table) {
  const TokenDirectory::Entry token = tokens.Find(trade.chain(), trade.token());
  const std::optional<QuoteAsset> known_quote = KnownQuoteAsset(trade.chain(), trade.quote_address());
  const std::string quote_amount =
      known_quote.has_value()
          ? absl::StrCat(FormatAmount(trade.quote_amount(), known_quote->decimals), " ", known_quote->symbol)
          : FormatAmount(trade.quote_amount(), std::nullopt);
  table.AddRow({absl::StrCat(trade.cursor()), trade.has_event_time() ? FormatUtc(FromProto(trade.event_time())) : "",
                Cell(EnumText(v1::TradeSide_Name(trade.side()), "TRADE_SIDE_"),
                     trade.side() == v1::TRADE_SIDE_BUY ? Style::kGood : Style::kBad),
                FormatAmount(trade.token_amount(), token.decimals), token.symbol, quote_amount,
                absl::StrCat(trade.chain(), ":", trade.token()), trade.trader(), trade.venue(), trade.transaction()});
}

}  // namespace

absl::StatusOr<int> TailTrades(Context& context) {
  const auto options = ReadFollowOptions(
      context, +[](const v1::GetStatusResponse& status) -> uint64_t { return status.trade_cursor(); });
  if (!options.ok()) return options.status();
  v1::TailTradesRequest request;
  *request.mutable_filter() = ReadFilter(context.args());
  request.set_until_head(options->until_head);
  TokenDirectory tokens(context);
  Table table({{.title = "CURSOR", .align = Align::kRight, .min_width = 7},
               {.title = "TIME", .min_width = 24, .drop_order = 2},
               {.title = "SIDE", .min_width = 4},
               {.title = "AMOUNT", .align = Align::kRight, .min_width = 18},
               {.title = "SYMBOL", .shrink = Shrink::kEnd, .min_width = 10},
               {.title = "FOR", .align = Align::kRight, .min_width = 16},
               {.title = "TOKEN", .shrink = Shrink::kMiddle, .min_width = 51},
               {.title = "TRADER", .shrink = Shrink::kMiddle, .min_width = 44, .drop_order = 1},
               {.title = "VENUE", .min_width = 8, .drop_order = 3},
               {.title = "TRANSACTION", .shrink = Shrink::kMiddle, .min_width = 88, .drop_order = 4}},
              context.terminal());
  using Trades = google::protobuf::RepeatedPtrField<v1::Trade>;
  const auto print = [&](const Trades& trades) {
    if (context.json()) {
      std::string text;
      for (const v1::Trade& trade : trades) absl::StrAppend(&text, ToJson(trade), "\n");
      return context.Print(text);
    }
    tokens.Learn(trades);
    for (const v1::Trade& trade : trades) AddTrade(trade, tokens, table);
    return context.Print(table.TakeText());
  };
  return FollowLog(context, *options, [&](FollowPosition& position) {
    return ReadStream<v1::TailTradesResponse, v1::Trade>(
        context, position,
        [&](grpc::ClientContext* call, uint64_t after) {
          request.set_after_cursor(after);
          return context.clients().detector().TailTrades(call, request);
        },
        &v1::TailTradesResponse::mutable_trades, print);
  });
}

}  // namespace tokenwatch::cli

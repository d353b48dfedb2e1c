#include "pricing/rpc/list_candles.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "pricing/rpc/convert.h"

namespace tokenwatch::pricing {
namespace {

constexpr int kDefaultPage = 500;
constexpr int kMaxPage = 5000;
constexpr char kPageKind[] = "candles";

// What of the request stands by itself.
struct Wish {
  chain::TokenRef token;
  chain::Address quote;
  Interval interval = Interval::k1m;
  std::optional<absl::Time> from;
  std::optional<absl::Time> to;
  int page_size = kDefaultPage;
};

absl::StatusOr<Wish> Read(const v1::ListCandlesRequest& request) {
  Wish wish;
  const auto token = FromProto(request.token(), "token");
  if (!token.ok()) return token.status();
  wish.token = *token;
  const auto quote = QuoteAddress(token->chain, request.quote_address(), "quote_address");
  if (!quote.ok()) return quote.status();
  wish.quote = *quote;
  const auto interval = FromProto(request.interval(), "interval");
  if (!interval.ok()) return interval.status();
  wish.interval = *interval;
  if (request.has_from()) {
    const auto from = FromProto(request.from(), "from");
    if (!from.ok()) return from.status();
    wish.from = *from;
  }
  if (request.has_to()) {
    const auto to = FromProto(request.to(), "to");
    if (!to.ok()) return to.status();
    wish.to = *to;
  }
  if (wish.from.has_value() && wish.to.has_value() && *wish.from > *wish.to) return Bad("from", "lies after to");
  const auto page_size = PageSize(request.page_size(), kDefaultPage, kMaxPage);
  if (!page_size.ok()) return page_size.status();
  wish.page_size = *page_size;
  if (request.page_token().empty()) return wish;
  // Where the page begins, and the quote asset that the first page found.
  const auto token_parts = FromPageToken(kPageKind, request.page_token());
  if (!token_parts.ok()) return token_parts.status();
  wish.from = absl::FromUnixMicros(token_parts->first);
  const auto page_quote = QuoteAddress(token->chain, token_parts->second, "page_token");
  if (!page_quote.ok()) return page_quote.status();
  if (!wish.quote.empty() && wish.quote != *page_quote) return Bad("page_token", "belongs to another quote_address");
  wish.quote = *page_quote;
  return wish;
}

}  // namespace

absl::Status ListCandles(const v1::ListCandlesRequest& request, const SeriesReader& series, const CandleReader& candles,
                         const PriceView& view, absl::Time newest_event, absl::Time deadline,
                         v1::ListCandlesResponse* response) {
  const auto wish = Read(request);
  if (!wish.ok()) return wish.status();
  const auto newest = series.Newest(wish->token, wish->quote, deadline);
  if (!newest.ok()) return newest.status();
  if (!newest->has_value()) {
    return absl::NotFoundError(absl::StrCat("token: ", chain::ChainName(wish->token.chain), ":",
                                            wish->token.address.text(), " never traded",
                                            wish->quote.empty() ? "" : " against quote_address"));
  }
  const Series& meant = **newest;

  CandleQuery query;
  query.key = meant.key;
  query.interval = wish->interval;
  query.limit = wish->page_size;
  // From the first trade to the newest is all there can be.
  query.to = std::min(wish->to.value_or(meant.newest.event_time), meant.newest.event_time);
  query.from = wish->from.value_or(StartOf(query.interval, query.to) - (query.limit - 1) * Length(query.interval));
  query.from = std::max(query.from, meant.first.event_time);
  response->set_quote_address(std::string(meant.key.quote.text()));
  // Of intervals, not of times: `to` names the interval that it lies in, the first trade may be later in the same.
  if (StartOf(query.interval, query.from) > StartOf(query.interval, query.to)) return absl::OkStatus();
  const auto page = candles.Read(query, deadline);
  if (!page.ok()) return page.status();

  CandleContext context;
  context.interval = query.interval;
  context.newest_event = newest_event;
  const auto decimals_of = [&](const chain::TokenRef& asset, std::optional<int> fixed) {
    const std::optional<int> known = view.DecimalsOf(asset, fixed);
    if (known.has_value()) return known;
    // A registry that cannot be asked leaves the derived prices out.
    return view.decimals().Fetch(asset, deadline).value_or(std::nullopt);
  };
  context.token_decimals = decimals_of(meant.key.token, FixedDecimals(meant));
  context.quote_decimals = decimals_of({meant.key.token.chain, meant.key.quote}, std::nullopt);
  for (const Candle& candle : page->candles) ToProto(candle, context, response->add_candles());
  if (page->next.has_value()) {
    response->set_next_page_token(ToPageToken(kPageKind, absl::ToUnixMicros(*page->next), meant.key.quote.text()));
  }
  return absl::OkStatus();
}

}  // namespace tokenwatch::pricing

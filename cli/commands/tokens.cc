#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/commands.h"
#include "cli/commands/shared.h"
#include "cli/follow.h"
#include "cli/render/amount.h"
#include "cli/render/time.h"

namespace tokenwatch::cli {
namespace {

namespace v1 = detector::v1;

std::string StateText(v1::TokenState state) { return EnumText(v1::TokenState_Name(state), "TOKEN_STATE_"); }

Style StateStyle(v1::TokenState state) { return state == v1::TOKEN_STATE_PENDING ? Style::kWarning : Style::kPlain; }

// What a reader should notice: imitation first.
Cell NoteCell(const v1::Token& token) {
  std::vector<std::string> notes;
  if (token.has_imitates()) notes.push_back(absl::StrCat("imitates ", TokenText(token.imitates())));
  if (!token.migrated_to().empty()) {
    notes.push_back(absl::StrCat("migrated to ", token.migrated_to()));
  } else if (token.has_completed_at()) {
    notes.push_back("curve completed");
  }
  return {absl::StrJoin(notes, ", "), token.has_imitates() ? Style::kBad : Style::kPlain};
}

std::vector<Column> TokenColumns() {
  return {{.title = "TOKEN", .shrink = Shrink::kMiddle},
          {.title = "SYMBOL", .shrink = Shrink::kEnd},
          {.title = "NAME", .shrink = Shrink::kEnd},
          {.title = "STATE"},
          {.title = "SOURCE", .drop_order = 3},
          {.title = "VENUE", .drop_order = 2},
          {.title = "FIRST SEEN", .drop_order = 1},
          {.title = "AGE", .align = Align::kRight},
          {.title = "NOTE", .shrink = Shrink::kEnd, .drop_order = 4}};
}

void AddToken(const v1::Token& token, absl::Time now, Table& table) {
  const absl::Time seen = FromProto(token.has_first_seen_at() ? token.first_seen_at() : token.launched_at());
  const bool known = token.has_first_seen_at() || token.has_launched_at();
  table.AddRow({TokenText(token.token()), token.symbol(), token.name(),
                Cell(StateText(token.state()), StateStyle(token.state())), token.name_source(), token.venue(),
                known ? FormatUtc(seen) : "", known ? FormatAge(now - seen) : "", NoteCell(token)});
}

std::string TimeAndAge(const google::protobuf::Timestamp& timestamp, absl::Time now) {
  const absl::Time time = FromProto(timestamp);
  return absl::StrCat(FormatUtc(time), " (", FormatAge(now - time), time <= now ? " ago)" : ")");
}

std::string TokenCard(const v1::Token& token, const Context& context) {
  const absl::Time now = context.now();
  const auto time = [&](bool known, const google::protobuf::Timestamp& timestamp) {
    return known ? TimeAndAge(timestamp, now) : std::string();
  };
  const auto yes_no = [](bool known, bool value) { return !known ? "" : value ? "yes" : "no"; };
  std::optional<uint32_t> decimals;
  if (token.has_decimals()) decimals = token.decimals();
  const std::optional<QuoteAsset> quote = KnownQuoteAsset(token.token().chain(), token.quote_address());
  return LabelledLines({{"token", TokenText(token.token())},
                        {"state", Cell(StateText(token.state()), StateStyle(token.state()))},
                        {"name", token.name()},
                        {"symbol", token.symbol()},
                        {"name source", token.name_source()},
                        {"name sanitized", token.name_sanitized() ? "yes: unsafe characters were removed" : ""},
                        {"imitates", Cell(TokenText(token.imitates()), Style::kBad)},
                        {"origin", EnumText(v1::TokenOrigin_Name(token.origin()), "TOKEN_ORIGIN_")},
                        {"uri", token.uri()},
                        {"creator", token.creator()},
                        {"venue", token.venue()},
                        {"pool", token.pool()},
                        {"quote", quote.has_value() ? absl::StrCat(token.quote_address(), " (", quote->symbol, ")")
                                                    : token.quote_address()},
                        {"decimals", token.has_decimals() ? absl::StrCat(token.decimals()) : ""},
                        {"supply", FormatAmount(token.supply(), decimals)},
                        {"mayhem mode", yes_no(token.has_is_mayhem(), token.is_mayhem())},
                        {"cashback", yes_no(token.has_is_cashback(), token.is_cashback())},
                        {"first seen", time(token.has_first_seen_at(), token.first_seen_at())},
                        {"launched", time(token.has_launched_at(), token.launched_at())},
                        {"launch transaction", token.launch_transaction()},
                        {"launch slot", token.launch_slot() == 0 ? "" : absl::StrCat(token.launch_slot())},
                        {"named", time(token.has_named_at(), token.named_at())},
                        {"curve completed", time(token.has_completed_at(), token.completed_at())},
                        {"migrated to", token.migrated_to()},
                        {"migrated", time(token.has_migrated_at(), token.migrated_at())},
                        {"migration transaction", token.migration_transaction()},
                        {"feeds", absl::StrJoin(token.feeds(), ", ")}},
                       context.terminal());
}

Style KindStyle(v1::TokenEventKind kind) {
  return kind == v1::TOKEN_EVENT_KIND_LAUNCHED || kind == v1::TOKEN_EVENT_KIND_NAMED ? Style::kGood : Style::kPlain;
}

v1::TokenFilter ReadFilter(const ParsedArgs& args) {
  v1::TokenFilter filter;
  for (const std::string& chain : args.Texts("chain")) filter.add_chains(chain);
  for (const std::string& creator : args.Texts("creator")) filter.add_creators(creator);
  for (const std::string& venue : args.Texts("venue")) filter.add_venues(venue);
  for (const std::string& kind : args.Texts("kind")) {
    v1::TokenEventKind value = v1::TOKEN_EVENT_KIND_UNSPECIFIED;
    // The catalogue lets through only words that are kinds.
    v1::TokenEventKind_Parse(absl::StrCat("TOKEN_EVENT_KIND_", absl::AsciiStrToUpper(kind)), &value);
    filter.add_kinds(value);
  }
  if (args.Has("pending")) filter.add_states(v1::TOKEN_STATE_PENDING);
  if (args.Has("detected")) filter.add_states(v1::TOKEN_STATE_DETECTED);
  return filter;
}

}  // namespace

absl::StatusOr<int> ListTokens(Context& context) {
  v1::ListTokensRequest request;
  if (context.args().Has("pending")) request.set_state(v1::TOKEN_STATE_PENDING);
  if (context.args().Has("detected")) request.set_state(v1::TOKEN_STATE_DETECTED);
  request.set_chain(context.args().Text("chain"));
  request.set_creator(context.args().Text("creator"));
  Table table(TokenColumns(), context.terminal());
  return PrintList(
      context, &DetectorStub::ListTokens, request,
      [](const v1::ListTokensResponse& response) -> const auto& { return response.tokens(); }, table,
      [&](const v1::Token& token) { AddToken(token, context.now(), table); }, "no such tokens yet");
}

absl::StatusOr<int> SearchTokens(Context& context) {
  v1::SearchTokensRequest request;
  request.set_query(context.args().positionals().front());
  request.set_chain(context.args().Text("chain"));
  Table table(TokenColumns(), context.terminal());
  return PrintList(
      context, &DetectorStub::SearchTokens, request,
      [](const v1::SearchTokensResponse& response) -> const auto& { return response.tokens(); }, table,
      [&](const v1::Token& token) { AddToken(token, context.now(), table); }, "no token is called so");
}

absl::StatusOr<int> GetTokens(Context& context) {
  v1::BatchGetTokensRequest request;
  for (const std::string& text : context.args().positionals()) *request.add_tokens() = ParseTokenRef(text);
  const auto response = context.clients().Call(&DetectorStub::BatchGetTokens, request);
  if (!response.ok()) return response.status();
  std::set<std::string> found;
  std::string text;
  for (const v1::Token& token : response->tokens()) {
    found.insert(TokenText(token.token()));
    const bool first = text.empty();
    absl::StrAppend(&text, context.json() || first ? "" : "\n",
                    context.json() ? absl::StrCat(ToJson(token), "\n") : TokenCard(token, context));
  }
  if (absl::Status printed = context.Print(text); !printed.ok()) return printed;
  int code = kExitOk;
  for (const std::string& wanted : context.args().positionals()) {
    if (found.count(wanted) > 0) continue;
    context.Note(absl::StrCat("token ", wanted, " was never seen"));
    code = kExitNotFound;
  }
  return code;
}

absl::StatusOr<int> WatchTokens(Context& context) {
  const auto options = ReadFollowOptions(
      context, +[](const v1::GetStatusResponse& status) -> uint64_t { return status.token_cursor(); });
  if (!options.ok()) return options.status();
  v1::WatchTokensRequest request;
  *request.mutable_filter() = ReadFilter(context.args());
  request.set_until_head(options->until_head);
  Table table({{.title = "CURSOR", .align = Align::kRight, .min_width = 7},
               {.title = "TIME", .min_width = 24, .drop_order = 1},
               {.title = "EVENT", .min_width = 10},
               {.title = "TOKEN", .shrink = Shrink::kMiddle, .min_width = 51},
               {.title = "SYMBOL", .shrink = Shrink::kEnd, .min_width = 10},
               {.title = "NAME", .shrink = Shrink::kEnd, .min_width = 24},
               {.title = "SOURCE", .min_width = 9, .drop_order = 3},
               {.title = "VENUE", .min_width = 6, .drop_order = 2}},
              context.terminal());
  using Events = google::protobuf::RepeatedPtrField<v1::TokenEvent>;
  const auto print = [&](const Events& events) {
    std::string text;
    for (const v1::TokenEvent& event : events) {
      if (context.json()) {
        absl::StrAppend(&text, ToJson(event), "\n");
        continue;
      }
      const v1::Token& token = event.token();
      table.AddRow({absl::StrCat(event.cursor()),
                    event.has_event_time() ? FormatUtc(FromProto(event.event_time())) : "",
                    Cell(EnumText(v1::TokenEventKind_Name(event.kind()), "TOKEN_EVENT_KIND_"), KindStyle(event.kind())),
                    TokenText(token.token()), token.symbol(),
                    Cell(token.name(), token.has_imitates() ? Style::kBad : StateStyle(token.state())),
                    token.name_source(), token.venue()});
    }
    return context.Print(context.json() ? text : table.TakeText());
  };
  return FollowLog(context, *options, [&](FollowPosition& position) {
    return ReadStream<v1::WatchTokensResponse, v1::TokenEvent>(
        context, position,
        [&](grpc::ClientContext* call, uint64_t after) {
          request.set_after_cursor(after);
          return context.clients().detector().WatchTokens(call, request);
        },
        &v1::WatchTokensResponse::mutable_events, print);
  });
}

}  // namespace tokenwatch::cli

#include <string>

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/commands/shared.h"
#include "cli/commands/status_parts.h"
#include "cli/render/price.h"
#include "cli/render/time.h"

namespace tokenwatch::cli {
namespace {

std::string Heading(Service service, const Context& context, const std::string& address) {
  return absl::StrCat(Painted(ServiceName(service), Style::kTitle, context.terminal().colour), " at ", address, "\n");
}

std::string DetectorText(const detector::v1::GetStatusResponse& status, const Context& context) {
  std::string text = LabelledLines({{"tokens detected", absl::StrCat(status.detected_tokens())},
                                    {"tokens pending", absl::StrCat(status.pending_tokens())},
                                    {"tokens migrated", absl::StrCat(status.migrated_tokens())},
                                    {"frames in quarantine", absl::StrCat(status.quarantined_frames())},
                                    {"head of the token log", absl::StrCat(status.token_cursor())},
                                    {"head of the trade log", absl::StrCat(status.trade_cursor())},
                                    {"launch latency", LatencyText(status.launch_latency())},
                                    {"trade latency", LatencyText(status.trade_latency())},
                                    {"writes", status.is_leader() ? "yes" : "no: another replica does"}},
                                   context.terminal());
  Table sources({{.title = "NAMED BY"}, {.title = "TOKENS", .align = Align::kRight}}, context.terminal());
  for (const detector::v1::NameSourceCount& source : status.named_by_source()) {
    sources.AddRow({source.source(), absl::StrCat(source.tokens())});
  }
  if (status.named_by_source_size() > 0) absl::StrAppend(&text, "\n", sources.TakeText());
  if (status.feeds_size() > 0) absl::StrAppend(&text, "\n", FeedTable(status, context.now(), context.terminal()));
  return text;
}

std::string ResolverText(const resolver::v1::GetStatusResponse& status, const Context& context) {
  std::string text = LabelledLines(
      {{"resolved", absl::StrCat(status.resolved())},
       {"pending", absl::StrCat(status.pending())},
       {"dead letters",
        Cell(absl::StrCat(status.dead_letters()), status.dead_letters() > 0 ? Style::kWarning : Style::kPlain)}},
      context.terminal());
  Table sources({{.title = "SOURCE"},
                 {.title = "FOUND", .align = Align::kRight},
                 {.title = "NOT FOUND", .align = Align::kRight},
                 {.title = "FAILED", .align = Align::kRight},
                 {.title = "CALLS", .align = Align::kRight},
                 {.title = "BUDGET", .align = Align::kRight},
                 {.title = "CLOSED"}},
                context.terminal());
  for (const resolver::v1::SourceStatus& source : status.sources()) {
    const absl::Time closed_until = FromProto(source.closed_until());
    const bool closed = source.has_closed_until() && closed_until > context.now();
    sources.AddRow({source.source(), absl::StrCat(source.found()), absl::StrCat(source.not_found()),
                    absl::StrCat(source.failed()), absl::StrCat(source.calls()),
                    absl::StrCat(source.budget_remaining(), "/", source.budget_limit()),
                    Cell(closed ? absl::StrCat("opens ", FormatAge(context.now() - closed_until)) : "",
                         closed ? Style::kWarning : Style::kPlain)});
  }
  if (status.sources_size() > 0) absl::StrAppend(&text, "\n", sources.TakeText());
  return text;
}

std::string PricingText(const pricing::v1::GetStatusResponse& status, const Context& context) {
  const uint64_t behind = status.log_head() > status.cursor() ? status.log_head() - status.cursor() : 0;
  std::string text = LabelledLines(
      {{"trades folded", FormatCount(status.trades_folded())},
       {"cursor", absl::StrCat(status.cursor(), behind == 0 ? "" : absl::StrCat("  (", behind, " behind the log)"))},
       {"redo cursor", absl::StrCat(status.redo_cursor())},
       {"newest event", status.has_newest_event() ? FormatUtc(FromProto(status.newest_event())) : ""},
       {"tokens in memory", FormatCount(status.hot_tokens())},
       {"tokens parked", FormatCount(status.parked_tokens())},
       {"tokens with rows", FormatCount(status.persisted_tokens())},
       {"candles", FormatCount(status.candles())},
       {"rows written",
        absl::StrCat(FormatCount(status.rows_written()), "  in ", FormatCount(status.transactions()), " transactions")},
       {"row writes saved", FormatCount(status.rows_saved())},
       {"requests waiting", absl::StrCat(status.waiting_requests())},
       {"writes", status.is_writer() ? "yes" : "no: another replica does"}},
      context.terminal());
  Table providers({{.title = "ORACLE"},
                   {.title = "BREAKER"},
                   {.title = "CALLS", .align = Align::kRight},
                   {.title = "FAILED", .align = Align::kRight},
                   {.title = "BUDGET", .align = Align::kRight},
                   {.title = "CLOSED"}},
                  context.terminal());
  for (const pricing::v1::ProviderStatus& provider : status.providers()) {
    const bool closed = provider.has_closed_until() && FromProto(provider.closed_until()) > context.now();
    providers.AddRow(
        {provider.name(), Cell(provider.breaker(), provider.breaker() == "closed" ? Style::kGood : Style::kWarning),
         absl::StrCat(provider.calls()), absl::StrCat(provider.failures()),
         absl::StrCat(provider.budget_remaining(), "/", provider.budget_limit()),
         Cell(closed ? absl::StrCat("opens ", FormatAge(context.now() - FromProto(provider.closed_until()))) : "",
              closed ? Style::kWarning : Style::kPlain)});
  }
  if (status.providers_size() > 0) absl::StrAppend(&text, "\n", providers.TakeText());
  Table references({{.title = "REFERENCE", .shrink = Shrink::kMiddle},
                    {.title = "USD", .align = Align::kRight},
                    {.title = "OF"},
                    {.title = "SOURCE"}},
                   context.terminal());
  for (const pricing::v1::ReferencePrice& reference : status.references()) {
    references.AddRow(
        {reference.asset(), reference.price_usd(), FormatUtc(FromProto(reference.event_time())), reference.source()});
  }
  if (status.references_size() > 0) absl::StrAppend(&text, "\n", references.TakeText());
  return text;
}

}  // namespace

absl::StatusOr<int> ShowStatus(Context& context) {
  Clients& clients = context.clients();
  const auto detector = clients.Call(&DetectorStub::GetStatus, detector::v1::GetStatusRequest());
  const auto resolver = clients.Call(&ResolverStub::GetStatus, resolver::v1::GetStatusRequest());
  const auto pricing = AskPricing(context);
  const bool priced = pricing.ok() && pricing->has_value();
  std::string text;
  if (context.json()) {
    text =
        JsonLine(boost::json::object{{"detector", detector.ok() ? ToJsonValue(*detector) : boost::json::value(nullptr)},
                                     {"resolver", resolver.ok() ? ToJsonValue(*resolver) : boost::json::value(nullptr)},
                                     {"pricing", priced ? ToJsonValue(**pricing) : boost::json::value(nullptr)}});
  } else {
    if (detector.ok()) {
      text = absl::StrCat(Heading(Service::kDetector, context, clients.address(Service::kDetector)),
                          DetectorText(*detector, context));
    }
    if (resolver.ok()) {
      absl::StrAppend(&text, text.empty() ? "" : "\n",
                      Heading(Service::kResolver, context, clients.address(Service::kResolver)),
                      ResolverText(*resolver, context));
    }
    if (priced) {
      absl::StrAppend(&text, text.empty() ? "" : "\n",
                      Heading(Service::kPricing, context, clients.address(Service::kPricing)),
                      PricingText(**pricing, context));
    }
  }
  if (absl::Status printed = context.Print(text); !printed.ok()) return printed;
  // The first error is the answer; others are told besides.
  absl::Status first;
  for (const absl::Status& status : {detector.status(), resolver.status(), pricing.status()}) {
    if (status.ok()) continue;
    if (!first.ok()) context.Note(status.message());
    first.Update(status);
  }
  if (!first.ok()) return first;
  return kExitOk;
}

}  // namespace tokenwatch::cli

#include <string>

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/commands/shared.h"
#include "cli/commands/status_parts.h"
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

}  // namespace

absl::StatusOr<int> ShowStatus(Context& context) {
  Clients& clients = context.clients();
  const auto detector = clients.Call(&DetectorStub::GetStatus, detector::v1::GetStatusRequest());
  const auto resolver = clients.Call(&ResolverStub::GetStatus, resolver::v1::GetStatusRequest());
  std::string text;
  if (context.json()) {
    text = JsonLine(
        boost::json::object{{"detector", detector.ok() ? ToJsonValue(*detector) : boost::json::value(nullptr)},
                            {"resolver", resolver.ok() ? ToJsonValue(*resolver) : boost::json::value(nullptr)}});
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
  }
  if (absl::Status printed = context.Print(text); !printed.ok()) return printed;
  // The first error is the answer; a second one is told besides.
  if (!detector.ok() && !resolver.ok()) context.Note(resolver.status().message());
  if (!detector.ok()) return detector.status();
  if (!resolver.ok()) return resolver.status();
  return kExitOk;
}

}  // namespace tokenwatch::cli

#include "cli/commands/status_parts.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/render/table.h"
#include "cli/render/time.h"

namespace tokenwatch::cli {

std::string LatencyText(const detector::v1::LatencySummary& latency) {
  if (latency.count() == 0) return "none yet";
  return absl::StrCat("p50 ", FormatLatency(FromProto(latency.p50())), "  p95 ",
                      FormatLatency(FromProto(latency.p95())), "  p99 ", FormatLatency(FromProto(latency.p99())),
                      "  (of ", latency.count(), ")");
}

std::string FeedTable(const detector::v1::GetStatusResponse& status, absl::Time now, const Terminal& terminal) {
  Table table({{.title = "FEED"},
               {.title = "STATE"},
               {.title = "FRAMES", .align = Align::kRight},
               {.title = "LAUNCHES", .align = Align::kRight},
               {.title = "TRADES", .align = Align::kRight},
               {.title = "DUPLICATES", .align = Align::kRight},
               {.title = "QUARANTINED", .align = Align::kRight},
               {.title = "LAST", .align = Align::kRight, .drop_order = 1},
               {.title = "DETAIL", .shrink = Shrink::kEnd, .drop_order = 2}},
              terminal);
  for (const detector::v1::FeedStatus& feed : status.feeds()) {
    const Style style = feed.state() == "failed"                               ? Style::kBad
                        : feed.state() == "live" || feed.state() == "finished" ? Style::kGood
                                                                               : Style::kWarning;
    table.AddRow({feed.name(), Cell(feed.state(), style), absl::StrCat(feed.frames()), absl::StrCat(feed.launches()),
                  absl::StrCat(feed.trades()), absl::StrCat(feed.duplicates()), absl::StrCat(feed.quarantined()),
                  feed.has_last_frame_at() ? FormatAge(now - FromProto(feed.last_frame_at())) : "", feed.detail()});
  }
  return table.TakeText();
}

absl::StatusOr<std::optional<pricing::v1::GetStatusResponse>> AskPricing(Context& context) {
  auto status = context.clients().Call(&PricingStub::GetStatus, pricing::v1::GetStatusRequest());
  if (status.ok()) return *std::move(status);
  const bool absent = status.status().code() == absl::StatusCode::kUnavailable;
  if (absent && !context.clients().expects(Service::kPricing)) return std::optional<pricing::v1::GetStatusResponse>();
  return status.status();
}

}  // namespace tokenwatch::cli

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/commands.h"
#include "cli/commands/shared.h"
#include "cli/commands/status_parts.h"
#include "cli/render/time.h"

namespace tokenwatch::cli {
namespace {

namespace v1 = detector::v1;

// The word by which the detector says that a name came with the launch.
constexpr absl::string_view kLaunchSource = "launch";
// Reasons are counted by reading the frames; a quarantine larger than this is counted in part, and says so.
constexpr uint64_t kMaxCountedFrames = 20'000;

using Counts = std::vector<std::pair<std::string, int64_t>>;

struct Summary {
  int64_t named_at_launch = 0;
  int64_t named_later = 0;
  Counts later_by_source;
  Counts quarantined_by_reason;
  bool reasons_cut = false;
};

absl::StatusOr<Summary> Summarize(Context& context, const v1::GetStatusResponse& status) {
  Summary summary;
  for (const v1::NameSourceCount& source : status.named_by_source()) {
    if (source.source() == kLaunchSource) {
      summary.named_at_launch += source.tokens();
    } else {
      summary.named_later += source.tokens();
      summary.later_by_source.emplace_back(source.source(), source.tokens());
    }
  }
  std::map<std::string, int64_t> reasons;
  const absl::StatusOr<Pages> pages = ForEachRow(
      context, &DetectorStub::ListQuarantined, v1::ListQuarantinedRequest(), kMaxCountedFrames,
      [](const v1::ListQuarantinedResponse& response) -> const auto& { return response.frames(); },
      [&](const v1::QuarantinedFrame& frame) {
        ++reasons[frame.reason()];
        return absl::OkStatus();
      });
  if (!pages.ok()) return pages.status();
  summary.reasons_cut = pages->cut;
  summary.quarantined_by_reason.assign(reasons.begin(), reasons.end());
  std::stable_sort(summary.quarantined_by_reason.begin(), summary.quarantined_by_reason.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return summary;
}

std::string WithCounts(int64_t total, const Counts& counts, absl::string_view remark = "") {
  std::string text = absl::StrCat(total);
  if (!counts.empty()) {
    absl::StrAppend(&text, "  (", absl::StrJoin(counts, ", ", absl::PairFormatter(" ")), remark, ")");
  }
  return text;
}

boost::json::object ToObject(const Counts& counts) {
  boost::json::object object;
  for (const auto& [name, count] : counts) object[name] = count;
  return object;
}

boost::json::object LatencyObject(const v1::LatencySummary& latency) {
  const auto milliseconds = [&](const google::protobuf::Duration& value) {
    return latency.count() == 0 ? boost::json::value(nullptr)
                                : boost::json::value(absl::ToDoubleMilliseconds(FromProto(value)));
  };
  return {{"count", latency.count()},
          {"p50_ms", milliseconds(latency.p50())},
          {"p95_ms", milliseconds(latency.p95())},
          {"p99_ms", milliseconds(latency.p99())}};
}

std::string SummaryJson(const v1::GetStatusResponse& status, const Summary& summary,
                        const absl::StatusOr<resolver::v1::GetStatusResponse>& resolver) {
  boost::json::array feeds;
  for (const v1::FeedStatus& feed : status.feeds()) {
    feeds.push_back(boost::json::object{{"name", feed.name()},
                                        {"state", feed.state()},
                                        {"frames", feed.frames()},
                                        {"launches", feed.launches()},
                                        {"trades", feed.trades()},
                                        {"duplicates", feed.duplicates()},
                                        {"quarantined", feed.quarantined()}});
  }
  return JsonLine(boost::json::object{
      {"tokens_detected", status.detected_tokens() + status.pending_tokens()},
      {"named_at_launch", summary.named_at_launch},
      {"named_later", summary.named_later},
      {"named_later_by_source", ToObject(summary.later_by_source)},
      {"pending", status.pending_tokens()},
      {"dead_letters", resolver.ok() ? boost::json::value(resolver->dead_letters()) : boost::json::value(nullptr)},
      {"migrated", status.migrated_tokens()},
      {"trades_logged", status.trade_cursor()},
      {"quarantined", status.quarantined_frames()},
      {"quarantined_by_reason", ToObject(summary.quarantined_by_reason)},
      {"launch_latency", LatencyObject(status.launch_latency())},
      {"trade_latency", LatencyObject(status.trade_latency())},
      {"feeds", std::move(feeds)}});
}

}  // namespace

absl::StatusOr<int> ShowSummary(Context& context) {
  const auto status = context.clients().Call(&DetectorStub::GetStatus, v1::GetStatusRequest());
  if (!status.ok()) return status.status();
  const absl::StatusOr<Summary> summary = Summarize(context, *status);
  if (!summary.ok()) return summary.status();
  const auto resolver = context.clients().Call(&ResolverStub::GetStatus, resolver::v1::GetStatusRequest());
  std::string text;
  if (context.json()) {
    text = SummaryJson(*status, *summary, resolver);
  } else {
    text = LabelledLines(
        {{"tokens detected", absl::StrCat(status->detected_tokens() + status->pending_tokens())},
         {"  named at launch", absl::StrCat(summary->named_at_launch)},
         {"  named later", WithCounts(summary->named_later, summary->later_by_source)},
         {"  still pending",
          absl::StrCat(status->pending_tokens(),
                       resolver.ok() ? absl::StrCat("  (", resolver->dead_letters(), " out of attempts)") : "")},
         {"tokens migrated", absl::StrCat(status->migrated_tokens())},
         {"trades logged", absl::StrCat(status->trade_cursor())},
         {"frames in quarantine", WithCounts(status->quarantined_frames(), summary->quarantined_by_reason,
                                             summary->reasons_cut ? ", and more" : "")},
         {"launch latency", LatencyText(status->launch_latency())},
         {"trade latency", LatencyText(status->trade_latency())}},
        context.terminal());
    if (status->feeds_size() > 0) {
      absl::StrAppend(&text, "\n", FeedTable(*status, context.now(), context.terminal()));
    }
  }
  if (absl::Status printed = context.Print(text); !printed.ok()) return printed;
  if (!resolver.ok()) return resolver.status();
  return kExitOk;
}

}  // namespace tokenwatch::cli

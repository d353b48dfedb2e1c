#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/commands/commands.h"
#include "cli/commands/price_parts.h"
#include "cli/commands/shared.h"
#include "cli/commands/status_parts.h"
#include "cli/commands/token_directory.h"
#include "cli/render/price.h"
#include "cli/render/time.h"

namespace tokenwatch::cli {
namespace {

namespace v1 = detector::v1;

// The word by which the detector says that a name came with the launch.
constexpr absl::string_view kLaunchSource = "launch";
// Reasons are counted by reading the frames; a quarantine larger than this is counted in part, and says so.
constexpr uint64_t kMaxCountedFrames = 20'000;
constexpr int kHotShown = 5;

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

// What pricing made of the trades; nothing where it does not run.
struct PricingFacts {
  std::optional<pricing::v1::GetStatusResponse> status;
  std::vector<pricing::v1::HotToken> hot;
};

absl::StatusOr<PricingFacts> ReadPricing(Context& context) {
  PricingFacts facts;
  auto status = AskPricing(context);
  if (!status.ok()) return status.status();
  facts.status = *std::move(status);
  if (!facts.status.has_value()) return facts;
  pricing::v1::ListHotTokensRequest request;
  request.set_page_size(kHotShown);
  const auto hot = context.clients().Call(&PricingStub::ListHotTokens, request);
  if (!hot.ok()) return hot.status();
  facts.hot.assign(hot->tokens().begin(), hot->tokens().end());
  return facts;
}

// Of the row writes that one update for each trade would have made, those that were not needed.
double SavedShare(const pricing::v1::GetStatusResponse& status) {
  const double all = static_cast<double>(status.rows_saved() + status.rows_written());
  return all > 0 ? static_cast<double>(status.rows_saved()) / all : 0;
}

boost::json::value ToObject(const PricingFacts& facts) {
  if (!facts.status.has_value()) return nullptr;
  const pricing::v1::GetStatusResponse& status = *facts.status;
  boost::json::array hot;
  for (const pricing::v1::HotToken& token : facts.hot) {
    hot.push_back(boost::json::object{{"token", TokenText(token.price().token())}, {"score", token.score()}});
  }
  return boost::json::object{{"trades_folded", status.trades_folded()},
                             {"prices", status.hot_tokens()},
                             {"candles", status.candles()},
                             {"rows_written", status.rows_written()},
                             {"rows_saved", status.rows_saved()},
                             {"saved_share", SavedShare(status)},
                             {"hot", std::move(hot)}};
}

std::string PricingText(Context& context, const PricingFacts& facts) {
  const pricing::v1::GetStatusResponse& status = *facts.status;
  std::string text = LabelledLines(
      {{"trades folded", FormatCount(status.trades_folded())},
       {"prices",
        absl::StrCat(FormatCount(status.hot_tokens()), " tokens in memory, ", FormatCount(status.persisted_tokens()),
                     " worth rows, ", FormatCount(status.parked_tokens()), " parked")},
       {"candles", absl::StrCat(FormatCount(status.candles()), " minutes")},
       {"rows written",
        absl::StrFormat("%s, where one for each trade would be %s  (%.1f%% saved)", FormatCount(status.rows_written()),
                        FormatCount(status.rows_saved() + status.rows_written()), SavedShare(status) * 100)}},
      context.terminal());
  Table table({{.title = "HOT", .align = Align::kRight},
               {.title = "TOKEN", .shrink = Shrink::kMiddle},
               {.title = "SYMBOL", .shrink = Shrink::kEnd},
               {.title = "SCORE", .align = Align::kRight},
               {.title = "PRICE", .align = Align::kRight},
               {.title = "USD", .align = Align::kRight},
               {.title = "TRADES", .align = Align::kRight}},
              context.terminal());
  TokenDirectory tokens(context);
  std::set<std::string> names;
  for (const pricing::v1::HotToken& token : facts.hot) names.insert(TokenText(token.price().token()));
  if (!names.empty()) tokens.Learn(names);
  for (const pricing::v1::HotToken& token : facts.hot) {
    const common::v1::TokenRef& ref = token.price().token();
    table.AddRow({absl::StrCat(token.rank()), TokenText(ref), tokens.Find(ref.chain(), ref.address()).symbol,
                  FormatPrice(token.score()), PriceText(token.price()), UsdText(token.price()),
                  absl::StrCat(token.trades())});
  }
  const std::string hot = table.TakeText();
  return absl::StrCat("\n", text, hot.empty() ? "" : "\n", hot);
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
                        const absl::StatusOr<resolver::v1::GetStatusResponse>& resolver, const PricingFacts& pricing) {
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
      {"pricing", ToObject(pricing)},
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
  const absl::StatusOr<PricingFacts> pricing = ReadPricing(context);
  const PricingFacts facts = pricing.ok() ? *pricing : PricingFacts();
  std::string text;
  if (context.json()) {
    text = SummaryJson(*status, *summary, resolver, facts);
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
    if (facts.status.has_value()) absl::StrAppend(&text, PricingText(context, facts));
  }
  if (absl::Status printed = context.Print(text); !printed.ok()) return printed;
  if (!resolver.ok()) return resolver.status();
  if (!pricing.ok()) return pricing.status();
  return kExitOk;
}

}  // namespace tokenwatch::cli

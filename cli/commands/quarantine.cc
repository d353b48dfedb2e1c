#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/commands/shared.h"
#include "cli/render/time.h"

namespace tokenwatch::cli {

namespace v1 = detector::v1;

absl::StatusOr<int> ListQuarantine(Context& context) {
  v1::ListQuarantinedRequest request;
  request.set_feed(context.args().Text("feed"));
  request.set_reason(context.args().Text("reason"));
  Table table({{.title = "ID", .align = Align::kRight},
               {.title = "RECEIVED", .drop_order = 1},
               {.title = "AGE", .align = Align::kRight},
               {.title = "FEED"},
               {.title = "REASON"},
               {.title = "BYTES", .align = Align::kRight, .drop_order = 2},
               {.title = "DETAIL", .shrink = Shrink::kEnd}},
              context.terminal());
  const auto add = [&](const v1::QuarantinedFrame& frame) {
    const absl::Time received = FromProto(frame.received_at());
    table.AddRow({absl::StrCat(frame.id()), FormatUtc(received), FormatAge(context.now() - received), frame.feed(),
                  frame.reason(), absl::StrCat(frame.raw().size(), frame.raw_cut() ? " (cut)" : ""), frame.detail()});
  };
  return PrintList(
      context, &DetectorStub::ListQuarantined, request,
      [](const v1::ListQuarantinedResponse& response) -> const auto& { return response.frames(); }, table, add,
      "no frames are in quarantine");
}

absl::StatusOr<int> RedecodeQuarantine(Context& context) {
  v1::RedecodeQuarantinedRequest request;
  for (const std::string& text : context.args().positionals()) {
    uint64_t id = 0;
    if (absl::SimpleAtoi(text, &id)) request.add_ids(id);
  }
  request.set_reason(context.args().Text("reason"));
  request.set_limit(static_cast<int32_t>(context.args().Number("limit", 0)));
  const auto response = context.clients().Call(&DetectorStub::RedecodeQuarantined, request);
  if (!response.ok()) return response.status();
  const std::string text = context.json()
                               ? absl::StrCat(ToJson(*response), "\n")
                               : absl::StrCat(response->decoded(), " of ", response->examined(),
                                              " frames decode now and gave ", response->events(), " events\n");
  if (absl::Status printed = context.Print(text); !printed.ok()) return printed;
  return kExitOk;
}

}  // namespace tokenwatch::cli

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/commands/price_parts.h"
#include "cli/commands/shared.h"
#include "cli/follow.h"
#include "cli/render/text.h"
#include "cli/render/time.h"

namespace tokenwatch::cli {
namespace {

namespace v1 = pricing::v1;

Cell StateCell(v1::PriceRequestState state) {
  return {EnumText(v1::PriceRequestState_Name(state), "PRICE_REQUEST_STATE_"),
          state == v1::PRICE_REQUEST_STATE_ANSWERED  ? Style::kGood
          : state == v1::PRICE_REQUEST_STATE_EXPIRED ? Style::kBad
                                                     : Style::kWarning};
}

v1::PriceRequestState StateOf(const std::string& name) {
  return name == "waiting"    ? v1::PRICE_REQUEST_STATE_WAITING
         : name == "answered" ? v1::PRICE_REQUEST_STATE_ANSWERED
         : name == "expired"  ? v1::PRICE_REQUEST_STATE_EXPIRED
                              : v1::PRICE_REQUEST_STATE_UNSPECIFIED;
}

std::string StateLine(const v1::PriceRequest& request, absl::Time now, bool colour) {
  const Cell state = StateCell(request.state());
  std::string text =
      absl::StrCat("request ", SanitizeText(request.request_id()), ": ", Painted(state.text, state.style, colour));
  if (request.state() == v1::PRICE_REQUEST_STATE_WAITING) {
    absl::StrAppend(&text, ", ", request.attempts(), request.attempts() == 1 ? " attempt" : " attempts");
    if (request.has_next_attempt_at()) {
      const absl::Duration left = FromProto(request.next_attempt_at()) - now;
      absl::StrAppend(&text, ", the next ", left > absl::ZeroDuration() ? FormatAge(-left) : "now");
    }
  }
  if (!request.reason().empty()) absl::StrAppend(&text, ": ", SanitizeText(request.reason()));
  return text;
}

}  // namespace

absl::StatusOr<int> ListPriceRequests(Context& context) {
  v1::ListPriceRequestsRequest request;
  request.set_state(StateOf(context.args().Text("state")));
  Table table({{.title = "REQUEST", .shrink = Shrink::kEnd},
               {.title = "TOKEN", .shrink = Shrink::kMiddle},
               {.title = "STATE"},
               {.title = "CREATED", .drop_order = 2},
               {.title = "ENDS", .align = Align::kRight, .drop_order = 3},
               {.title = "ATTEMPTS", .align = Align::kRight},
               {.title = "NEXT", .align = Align::kRight, .drop_order = 4},
               {.title = "PRICE", .align = Align::kRight},
               {.title = "USD", .align = Align::kRight},
               {.title = "REASON", .shrink = Shrink::kEnd, .drop_order = 1}},
              context.terminal());
  const auto add = [&](const v1::PriceRequest& row) {
    const bool waiting = row.state() == v1::PRICE_REQUEST_STATE_WAITING;
    const auto from_now = [&](const google::protobuf::Timestamp& time) {
      return FormatAge(context.now() - FromProto(time));
    };
    table.AddRow({row.request_id(), TokenText(row.token()), StateCell(row.state()),
                  FormatUtc(FromProto(row.created_at())), waiting ? from_now(row.expires_at()) : "",
                  absl::StrCat(row.attempts()),
                  waiting && row.has_next_attempt_at() ? from_now(row.next_attempt_at()) : "", PriceText(row.price()),
                  UsdText(row.price()), row.reason()});
  };
  return PrintList(
      context, &PricingStub::ListPriceRequests, request,
      [](const v1::ListPriceRequestsResponse& response) -> const auto& { return response.requests(); }, table, add,
      "nobody has requested a price");
}

absl::StatusOr<int> AddPriceRequest(Context& context) {
  const ParsedArgs& args = context.args();
  v1::RequestPriceRequest request;
  request.set_request_id(args.Has("id") ? args.Text("id") : context.environment().new_request_id());
  *request.mutable_token() = ParseTokenRef(args.positionals().front());
  if (args.Has("lifetime")) request.mutable_lifetime()->set_seconds(args.Duration("lifetime", {}) / absl::Seconds(1));
  FollowOptions options;
  options.service = Service::kPricing;
  v1::PriceRequest last;
  const absl::StatusOr<int> code =
      FollowLog(context, options, [&](FollowPosition& position) -> absl::StatusOr<grpc::Status> {
        grpc::ClientContext call;
        const std::stop_callback cancel(context.environment().stop, [&call] { call.TryCancel(); });
        const auto reader = context.clients().pricing().RequestPrice(&call, request);
        v1::RequestPriceResponse response;
        absl::Status printed;
        while (printed.ok() && !position.done && reader->Read(&response)) {
          position.progressed = true;
          last = response.request();
          position.done = last.state() != v1::PRICE_REQUEST_STATE_WAITING || args.Has("no-wait");
          printed = context.json()
                        ? context.Print(absl::StrCat(ToJson(last), "\n"))
                        : context.Print(absl::StrCat(StateLine(last, context.now(), context.terminal().colour), "\n"));
        }
        if (!printed.ok() || position.done) call.TryCancel();
        const grpc::Status status = reader->Finish();
        if (!printed.ok()) return printed;
        return position.done ? grpc::Status::OK : status;
      });
  if (!code.ok() || *code != kExitOk) return code;
  if (!context.json() && last.has_price()) {
    const std::string card = absl::StrCat(PriceCard(last.price(), context), SourceTable(last.price(), context));
    if (absl::Status printed = context.Print(card); !printed.ok()) return printed;
  }
  return last.state() == v1::PRICE_REQUEST_STATE_EXPIRED ? kExitNotFound : kExitOk;
}

}  // namespace tokenwatch::cli

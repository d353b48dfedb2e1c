#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/commands/commands.h"
#include "cli/commands/shared.h"
#include "cli/render/time.h"

namespace tokenwatch::cli {
namespace {

namespace v1 = resolver::v1;

Cell StateCell(v1::ResolutionState state) {
  return {EnumText(v1::ResolutionState_Name(state), "RESOLUTION_STATE_"),
          state == v1::RESOLUTION_STATE_RESOLVED      ? Style::kGood
          : state == v1::RESOLUTION_STATE_DEAD_LETTER ? Style::kBad
                                                      : Style::kWarning};
}

std::string Sourced(const v1::SourcedText& text) {
  if (text.value().empty()) return "";
  return absl::StrCat(text.value(), "  (", text.source(), text.sanitized() ? ", unsafe characters removed" : "", ")");
}

std::string Card(const v1::TokenResolution& resolution, const Context& context) {
  std::string decimals;
  if (resolution.has_decimals()) {
    decimals = absl::StrCat(resolution.decimals(), "  (", resolution.decimals_source(), ")");
  }
  return LabelledLines(
      {{"token", TokenText(resolution.token())},
       {"state", StateCell(resolution.state())},
       {"name", Sourced(resolution.name())},
       {"symbol", Sourced(resolution.symbol())},
       {"uri", Sourced(resolution.uri())},
       {"decimals", decimals},
       {"imitates", Cell(TokenText(resolution.imitates()), Style::kBad)},
       {"rounds of attempts", absl::StrCat(resolution.attempts())},
       {"next attempt", resolution.has_next_attempt_at() ? FormatUtc(FromProto(resolution.next_attempt_at())) : ""},
       {"reason", resolution.reason()}},
      context.terminal());
}

}  // namespace

absl::StatusOr<int> GetResolution(Context& context) {
  v1::GetResolutionRequest request;
  *request.mutable_token() = ParseTokenRef(context.args().positionals().front());
  const auto response = context.clients().Call(&ResolverStub::GetResolution, request);
  if (!response.ok()) return response.status();
  std::string text;
  if (context.json()) {
    text = absl::StrCat(ToJson(*response), "\n");
  } else {
    text = Card(response->resolution(), context);
    Table attempts({{.title = "ASKED"},
                    {.title = "SOURCE"},
                    {.title = "OUTCOME"},
                    {.title = "LATENCY", .align = Align::kRight},
                    {.title = "DETAIL", .shrink = Shrink::kEnd}},
                   context.terminal());
    for (const v1::Attempt& attempt : response->attempts()) {
      attempts.AddRow({FormatUtc(FromProto(attempt.asked_at())), attempt.source(),
                       Cell(attempt.outcome(), attempt.outcome() == "found" ? Style::kGood : Style::kPlain),
                       FormatLatency(absl::Milliseconds(attempt.latency_ms())), attempt.detail()});
    }
    if (response->attempts_size() > 0) absl::StrAppend(&text, "\n", attempts.TakeText());
  }
  if (absl::Status printed = context.Print(text); !printed.ok()) return printed;
  return kExitOk;
}

absl::StatusOr<int> ListResolutions(Context& context) {
  v1::ListUnresolvedRequest request;
  if (context.args().Has("dead")) request.set_state(v1::RESOLUTION_STATE_DEAD_LETTER);
  Table table({{.title = "TOKEN", .shrink = Shrink::kMiddle},
               {.title = "STATE"},
               {.title = "ROUNDS", .align = Align::kRight},
               {.title = "NEXT ATTEMPT"},
               {.title = "REASON", .shrink = Shrink::kEnd}},
              context.terminal());
  const auto add = [&](const v1::TokenResolution& resolution) {
    const absl::Time next = FromProto(resolution.next_attempt_at());
    table.AddRow({TokenText(resolution.token()), StateCell(resolution.state()), absl::StrCat(resolution.attempts()),
                  !resolution.has_next_attempt_at() ? ""
                  : next > context.now()            ? FormatAge(context.now() - next)
                                                    : "due",
                  resolution.reason()});
  };
  return PrintList(
      context, &ResolverStub::ListUnresolved, request,
      [](const v1::ListUnresolvedResponse& response) -> const auto& { return response.resolutions(); }, table, add,
      "every token has a name");
}

absl::StatusOr<int> RetryResolutions(Context& context) {
  const bool all_dead = context.args().Has("all-dead");
  if (all_dead != context.args().positionals().empty()) {
    return absl::InvalidArgumentError("'resolutions retry' needs either one token or --all-dead");
  }
  v1::RetryResolutionRequest request;
  if (!all_dead) *request.mutable_token() = ParseTokenRef(context.args().positionals().front());
  request.set_request_id(context.environment().new_request_id());
  const auto response = context.clients().Call(&ResolverStub::RetryResolution, request);
  if (!response.ok()) return response.status();
  const std::string text = context.json()
                               ? absl::StrCat(ToJson(*response), "\n")
                               : absl::StrCat(response->retried(), response->retried() == 1 ? " token" : " tokens",
                                              " put back to the start of the attempts\n");
  if (absl::Status printed = context.Print(text); !printed.ok()) return printed;
  return kExitOk;
}

}  // namespace tokenwatch::cli

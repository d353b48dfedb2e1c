// What several commands need: paging, token references, and how facts are put into words.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include <google/protobuf/message.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "cli/context.h"
#include "cli/exit_codes.h"
#include "cli/render/json.h"
#include "cli/render/table.h"
#include "tokenwatch/common/v1/common.pb.h"

namespace tokenwatch::cli {

inline constexpr uint64_t kDefaultListed = 100;
// The largest page that the services give.
inline constexpr uint64_t kMaxPageSize = 1000;

// "<chain>:<address>" in parts; the argument parser has checked its shape.
common::v1::TokenRef ParseTokenRef(const std::string& text);
// "<chain>:<address>"; empty for a reference that is not set.
std::string TokenText(const common::v1::TokenRef& token);

// "TOKEN_STATE_PENDING" without its prefix, in lower case: "pending". Empty for an unspecified value.
std::string EnumText(const std::string& name, absl::string_view prefix);

// `cut` when there is more than the limit lets through.
struct Pages {
  uint64_t rows = 0;
  bool cut = false;
};

// Asks for page after page of `request` and hands each row of each page to `row` until `limit` rows were seen. The
// answers' rows are what `rows` gives.
template <typename Stub, typename Request, typename Response, typename Rows, typename Row>
absl::StatusOr<Pages> ForEachRow(Context& context,
                                 grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                 Request request, uint64_t limit, Rows rows, Row row) {
  Pages pages;
  while (true) {
    request.set_page_size(static_cast<int32_t>(std::min(limit - pages.rows, kMaxPageSize)));
    const absl::StatusOr<Response> response = context.clients().Call(method, request);
    if (!response.ok()) return response.status();
    for (const auto& entry : rows(*response)) {
      if (pages.rows == limit) {
        pages.cut = true;
        return pages;
      }
      ++pages.rows;
      if (absl::Status status = row(entry); !status.ok()) return status;
    }
    if (response->next_page_token().empty()) return pages;
    if (pages.rows == limit) {
      pages.cut = true;
      return pages;
    }
    if (response->next_page_token() == request.page_token()) {
      return absl::InternalError("the service gives the same page again and again");
    }
    request.set_page_token(response->next_page_token());
  }
}

// Prints a list: as JSON each row as it comes, else all of them as `table`, whose rows `add` makes. An empty list says
// `nothing` to a person.
template <typename Stub, typename Request, typename Response, typename Rows, typename Add>
absl::StatusOr<int> PrintList(Context& context,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                              const Request& request, Rows rows, Table& table, Add add, const std::string& nothing) {
  const uint64_t limit = context.args().Number("limit", kDefaultListed);
  const auto row = [&](const google::protobuf::Message& entry, const auto& typed) {
    if (context.json()) return context.Print(absl::StrCat(ToJson(entry), "\n"));
    add(typed);
    return absl::OkStatus();
  };
  const absl::StatusOr<Pages> pages =
      ForEachRow(context, method, request, limit, rows, [&](const auto& entry) { return row(entry, entry); });
  if (!pages.ok()) return pages.status();
  if (absl::Status printed = context.Print(table.TakeText()); !printed.ok()) return printed;
  if (pages->rows == 0) context.Hint(nothing);
  if (pages->cut) context.Hint(absl::StrCat("there are more than ", limit, "; --limit shows more"));
  return kExitOk;
}

}  // namespace tokenwatch::cli

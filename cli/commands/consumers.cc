#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/commands/shared.h"
#include "cli/render/time.h"

namespace tokenwatch::cli {
namespace {

namespace v1 = detector::v1;

std::vector<Column> Columns() {
  return {{.title = "CONSUMER"},
          {.title = "CURSOR", .align = Align::kRight},
          {.title = "MOVED"},
          {.title = "AGE", .align = Align::kRight}};
}

void AddConsumer(const v1::Consumer& consumer, absl::Time now, Table& table) {
  const absl::Time moved = FromProto(consumer.updated_at());
  table.AddRow({consumer.name(), absl::StrCat(consumer.cursor()), FormatUtc(moved), FormatAge(now - moved)});
}

}  // namespace

absl::StatusOr<int> ListConsumers(Context& context) {
  Table table(Columns(), context.terminal());
  return PrintList(
      context, &DetectorStub::ListConsumers, v1::ListConsumersRequest(),
      [](const v1::ListConsumersResponse& response) -> const auto& { return response.consumers(); }, table,
      [&](const v1::Consumer& consumer) { AddConsumer(consumer, context.now(), table); }, "nobody is registered");
}

absl::StatusOr<int> RegisterConsumer(Context& context) {
  v1::RegisterConsumerRequest request;
  request.set_name(context.args().positionals()[0]);
  uint64_t cursor = 0;
  if (absl::SimpleAtoi(context.args().positionals()[1], &cursor)) request.set_cursor(cursor);
  const auto response = context.clients().Call(&DetectorStub::RegisterConsumer, request);
  if (!response.ok()) return response.status();
  Table table(Columns(), context.terminal());
  AddConsumer(response->consumer(), context.now(), table);
  const absl::Status printed =
      context.Print(context.json() ? absl::StrCat(ToJson(response->consumer()), "\n") : table.TakeText());
  if (!printed.ok()) return printed;
  return kExitOk;
}

absl::StatusOr<int> DeleteConsumer(Context& context) {
  v1::DeleteConsumerRequest request;
  request.set_name(context.args().positionals().front());
  const auto response = context.clients().Call(&DetectorStub::DeleteConsumer, request);
  if (!response.ok()) return response.status();
  const absl::Status printed = context.Print(context.json() ? absl::StrCat(ToJson(*response), "\n")
                                                            : "forgotten: retention no longer waits for it\n");
  if (!printed.ok()) return printed;
  return kExitOk;
}

}  // namespace tokenwatch::cli

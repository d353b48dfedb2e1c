#include <string>
#include <vector>

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/commands/shared.h"

namespace tokenwatch::cli {
namespace {

// What was found out about one service.
struct Finding {
  Service service;
  bool reachable = false;
  // One line each; empty when all is well.
  std::vector<std::string> problems;
  common::v1::DatabaseReport database;
};

template <typename Response>
Finding Examine(Service service, const absl::StatusOr<Response>& response) {
  Finding finding{service, response.ok(), {}, {}};
  if (!response.ok()) {
    // An answer, even one that refuses, comes from a service that is there.
    finding.reachable = response.status().code() != absl::StatusCode::kUnavailable &&
                        response.status().code() != absl::StatusCode::kDeadlineExceeded;
    finding.problems.emplace_back(response.status().message().data(), response.status().message().size());
    return finding;
  }
  finding.database = response->database();
  const std::string name = ServiceName(service);
  if (finding.database.tables_size() == 0) {
    finding.problems.push_back(absl::StrCat(name, " names no tables: is it another build?"));
  }
  for (const common::v1::TableReport& table : finding.database.tables()) {
    if (table.present() && table.problem().empty()) continue;
    finding.problems.push_back(absl::StrCat(
        name, ": table ", table.name(), table.present() ? " is not as it should be" : " is missing", " in database \"",
        finding.database.database(), "\"", table.problem().empty() ? "" : absl::StrCat(": ", table.problem())));
  }
  return finding;
}

std::string RowsText(const common::v1::TableReport& table) {
  if (!table.present()) return "";
  return absl::StrCat(table.rows_estimated() ? "about " : "", table.rows());
}

std::string FindingText(const Finding& finding, const Context& context, const std::string& address) {
  const bool well = finding.problems.empty();
  std::string text = absl::StrCat(Painted(ServiceName(finding.service), Style::kTitle, context.terminal().colour),
                                  " at ", address, ": ",
                                  Painted(well                ? "well"
                                          : finding.reachable ? "NOT WELL"
                                                              : "NOT REACHABLE",
                                          well ? Style::kGood : Style::kBad, context.terminal().colour),
                                  "\n");
  if (!finding.database.database().empty()) {
    absl::StrAppend(&text, LabelledLines({{"database", finding.database.database()}, {"role", finding.database.role()}},
                                         context.terminal()));
  }
  Table table({{.title = "TABLE"},
               {.title = "STATE"},
               {.title = "ROWS", .align = Align::kRight},
               {.title = "PROBLEM", .shrink = Shrink::kEnd}},
              context.terminal());
  for (const common::v1::TableReport& report : finding.database.tables()) {
    const bool good = report.present() && report.problem().empty();
    table.AddRow({report.name(),
                  Cell(good               ? "there"
                       : report.present() ? "wrong"
                                          : "MISSING",
                       good ? Style::kGood : Style::kBad),
                  RowsText(report), report.problem()});
  }
  return absl::StrCat(text, table.TakeText());
}

std::string FindingJson(const Finding& finding, const std::string& address) {
  boost::json::array problems;
  for (const std::string& problem : finding.problems) problems.emplace_back(problem);
  return JsonLine(boost::json::object{{"service", ServiceName(finding.service)},
                                      {"address", address},
                                      {"reachable", finding.reachable},
                                      {"ok", finding.problems.empty()},
                                      {"problems", std::move(problems)},
                                      {"database", ToJsonValue(finding.database)}});
}

}  // namespace

absl::StatusOr<int> RunDoctor(Context& context) {
  Clients& clients = context.clients();
  std::vector<Finding> findings = {
      Examine(Service::kDetector, clients.Call(&DetectorStub::Diagnose, detector::v1::DiagnoseRequest())),
      Examine(Service::kResolver, clients.Call(&ResolverStub::Diagnose, resolver::v1::DiagnoseRequest()))};
  const auto pricing = clients.Call(&PricingStub::Diagnose, pricing::v1::DiagnoseRequest());
  // An environment may do without pricing.
  if (pricing.ok() || clients.expects(Service::kPricing) || pricing.status().code() != absl::StatusCode::kUnavailable) {
    findings.push_back(Examine(Service::kPricing, pricing));
  }
  std::string text;
  int code = kExitOk;
  for (const Finding& finding : findings) {
    const std::string& address = clients.address(finding.service);
    if (context.json()) {
      absl::StrAppend(&text, FindingJson(finding, address));
    } else {
      absl::StrAppend(&text, text.empty() ? "" : "\n", FindingText(finding, context, address));
    }
    if (!finding.problems.empty()) code = kExitNotWell;
  }
  if (absl::Status printed = context.Print(text); !printed.ok()) return printed;
  for (const Finding& finding : findings) {
    for (const std::string& problem : finding.problems) context.Note(problem);
  }
  return code;
}

}  // namespace tokenwatch::cli

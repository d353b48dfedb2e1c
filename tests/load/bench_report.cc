#include "tests/load/bench_report.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tokenwatch::load {
namespace {

std::string TextOrNull(const std::string& text) { return text.empty() ? "null" : absl::StrCat("\"", text, "\""); }

}  // namespace

void Report(const Figure& figure) {
  const std::string baseline = figure.baseline_name.empty() ? "null" : absl::StrFormat("%.6g", figure.baseline_value);
  const std::string line = absl::StrFormat(
      "{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"goal\":%s,\"baseline_name\":%s,\"baseline_value\":%s}\n",
      figure.name, figure.value, figure.unit, TextOrNull(figure.goal), TextOrNull(figure.baseline_name), baseline);
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace tokenwatch::load

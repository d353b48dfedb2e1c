// Names, types and labels of the metrics: dashboards and alerts are built on them.
//
// To accept a change: GOLDEN_UPDATE=1 ctest -R metrics_golden_test
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/functional/harness.h"

namespace tokenwatch::functional {
namespace {

// Every series without its value, once: a histogram's by its name, without its buckets.
std::string Series(const std::string& http) {
  std::set<std::string> series;
  for (const absl::string_view line : absl::StrSplit(http, absl::ByAnyChar("\r\n"), absl::SkipEmpty())) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (absl::StartsWith(line, "# TYPE ") && words.size() == 4) {
      series.insert(absl::StrCat(words[2], " ", words[3]));
      continue;
    }
    const size_t end = line.find_last_of(' ');
    if (line[0] == '#' || end == absl::string_view::npos || !absl::StrContains(line, '{')) continue;
    const absl::string_view name = line.substr(0, line.find('{'));
    if (absl::EndsWith(name, "_bucket") || !absl::StrContains(line, "=\"")) continue;
    series.emplace(line.substr(0, end));
  }
  return absl::StrCat(absl::StrJoin(series, "\n"), "\n");
}

void ExpectGolden(const std::string& file, const std::string& text) {
  const std::string path = SourcePath(absl::StrCat("tests/golden/", file));
  if (std::getenv("GOLDEN_UPDATE") != nullptr) std::ofstream(path) << text;
  EXPECT_EQ(common::ReadFile(path), text) << "if this is meant: GOLDEN_UPDATE=1, and tell who reads them";
}

TEST(MetricsGoldenTest, OfTheDetector) {
  Platform platform;
  ASSERT_TRUE(platform.ok());
  const auto detector = platform.StartDetector();
  ASSERT_NE(detector, nullptr);
  const std::string metrics = detector->Http("/metrics");
  const size_t body = metrics.find("# HELP");
  ASSERT_NE(body, std::string::npos) << metrics;
  ExpectGolden("detector_metrics.txt", Series(metrics.substr(body)));
}

}  // namespace
}  // namespace tokenwatch::functional

// Names, types and labels of the metrics: dashboards and alerts are built on them.
//
// To accept a change: GOLDEN_UPDATE=1 ctest -R metrics_golden_test
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/functional/harness.h"

namespace tokenwatch::functional {
namespace {

struct Family {
  std::string type;
  // Values by label.
  std::map<std::string, std::set<std::string>> labels;
};

// Labels whose values belong to the build or are the buckets' bounds.
bool IsFree(const std::string& family, const std::string& label) {
  return label == "le" || (family == "build_info" && label != "service");
}

// One line for each family: its name, type, and labels with all their values.
std::string Families(const std::string& http) {
  std::map<std::string, Family> families;
  for (const absl::string_view line : absl::StrSplit(http, absl::ByAnyChar("\r\n"), absl::SkipEmpty())) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (absl::StartsWith(line, "# TYPE ") && words.size() == 4) families[words[2]].type = words[3];
    const size_t open = line.find('{');
    if (line[0] == '#' || open == absl::string_view::npos) continue;
    std::string name(line.substr(0, open));
    for (const char* suffix : {"_bucket", "_sum", "_count"}) {
      const std::string stem(absl::StripSuffix(name, suffix));
      if (families.contains(stem)) name = stem;
    }
    const absl::string_view labels = line.substr(open + 1, line.rfind('}') - open - 1);
    for (const absl::string_view label : absl::StrSplit(labels, "\",", absl::SkipEmpty())) {
      const std::pair<std::string, std::string> parts = absl::StrSplit(label, absl::MaxSplits("=\"", 1));
      families[name].labels[parts.first].insert(
          IsFree(name, parts.first) ? "*" : std::string(absl::StripSuffix(parts.second, "\"")));
    }
  }
  std::string text;
  for (const auto& [name, family] : families) {
    absl::StrAppend(&text, name, " ", family.type);
    for (const auto& [label, values] : family.labels) {
      absl::StrAppend(&text, " ", label, "=", absl::StrJoin(values, "|"));
    }
    text += "\n";
  }
  return text;
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
  ExpectGolden("detector_metrics.txt", Families(metrics.substr(body)));
}

TEST(MetricsGoldenTest, OfTheResolver) {
  Platform platform;
  ASSERT_TRUE(platform.ok());
  const auto detector = platform.StartDetector();
  ASSERT_NE(detector, nullptr);
  const auto resolver =
      platform.Launch("tokenwatch-resolver",
                      {"--dsn=" + platform.cluster().Dsn("platform", "resolver"), "--detector=" + detector->address()});
  ASSERT_NE(resolver, nullptr);
  ASSERT_TRUE(platform.AwaitReady(*resolver));
  const std::string metrics = resolver->Http("/metrics");
  const size_t body = metrics.find("# HELP");
  ASSERT_NE(body, std::string::npos) << metrics;
  ExpectGolden("resolver_metrics.txt", Families(metrics.substr(body)));
}

TEST(MetricsGoldenTest, OfPricing) {
  Platform platform;
  ASSERT_TRUE(platform.ok());
  const auto detector = platform.StartDetector();
  ASSERT_NE(detector, nullptr);
  const auto pricing =
      platform.Launch("tokenwatch-pricing",
                      {"--dsn=" + platform.cluster().Dsn("platform", "pricing"), "--detector=" + detector->address(),
                       "--providers=dexscreener", "--dexscreener_url=http://127.0.0.1:1"});
  ASSERT_NE(pricing, nullptr);
  ASSERT_TRUE(platform.AwaitReady(*pricing));
  const std::string metrics = pricing->Http("/metrics");
  const size_t body = metrics.find("# HELP");
  ASSERT_NE(body, std::string::npos) << metrics;
  ExpectGolden("pricing_metrics.txt", Families(metrics.substr(body)));
}

}  // namespace
}  // namespace tokenwatch::functional

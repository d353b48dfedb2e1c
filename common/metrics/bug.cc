#include "common/metrics/bug.h"

#include <utility>
#include <vector>

#include "common/log/log.h"

namespace tokenwatch::common {
namespace {

// Zero-initialised before any BugSite is constructed, whatever the order of the translation units.
constinit std::atomic<BugSite*> first_site{nullptr};

}  // namespace

BugSite::BugSite(const char* name) : name_(name), next_(first_site.load()) { first_site.store(this); }

void BugSite::Report(absl::string_view detail) {
  count_.fetch_add(1, std::memory_order_relaxed);
  TW_LOG_EVERY(absl::Seconds(1), Severity::kError, "bug", {{"site", name_}, {"detail", detail}});
}

BugMetrics::BugMetrics(MetricRegistry& registry) {
  std::vector<std::pair<const BugSite*, prometheus::Counter*>> series;
  for (const BugSite* site = first_site.load(); site != nullptr; site = site->next_) {
    series.emplace_back(site, &registry.Counter("bug_total", "Things that must not happen.", {{"site", site->name_}}));
  }
  sampler_ = registry.Sample([series = std::move(series)] {
    for (const auto& [site, counter] : series) RaiseTo(*counter, static_cast<double>(site->count()));
  });
}

}  // namespace tokenwatch::common

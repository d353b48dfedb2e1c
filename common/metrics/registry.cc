#include "common/metrics/registry.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "prometheus/text_serializer.h"

namespace tokenwatch::common {
namespace {

// Runs `make`, which registers `name`; a refusal of the library is a mistake in the calling code.
template <typename Make>
auto& OrAbort(const std::string& name, Make make) {
  try {
    return make();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "metric \"%s\" cannot be registered: %s: correct its name, labels or type in the code\n",
                 name.c_str(), error.what());
    std::abort();
  }
}

const char* TypeName(prometheus::MetricType type) {
  switch (type) {
    case prometheus::MetricType::Counter:
      return "counter";
    case prometheus::MetricType::Gauge:
      return "gauge";
    case prometheus::MetricType::Histogram:
      return "histogram";
    case prometheus::MetricType::Summary:
      return "summary";
    case prometheus::MetricType::Untyped:
      return "untyped";
  }
  return "untyped";
}

}  // namespace

ScopedSampler::ScopedSampler(ScopedSampler&& other) noexcept
    : registry_(std::exchange(other.registry_, nullptr)), id_(other.id_) {}

ScopedSampler& ScopedSampler::operator=(ScopedSampler&& other) noexcept {
  if (this != &other) {
    if (registry_ != nullptr) registry_->Remove(id_);
    registry_ = std::exchange(other.registry_, nullptr);
    id_ = other.id_;
  }
  return *this;
}

ScopedSampler::~ScopedSampler() {
  if (registry_ != nullptr) registry_->Remove(id_);
}

prometheus::Counter& MetricRegistry::Counter(const std::string& name, const std::string& help,
                                             const MetricLabels& labels) {
  return OrAbort(name, [&]() -> prometheus::Counter& {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels);
  });
}

prometheus::Gauge& MetricRegistry::Gauge(const std::string& name, const std::string& help, const MetricLabels& labels) {
  return OrAbort(name, [&]() -> prometheus::Gauge& {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(labels);
  });
}

prometheus::Histogram& MetricRegistry::Histogram(const std::string& name, const std::string& help,
                                                 const std::vector<double>& buckets, const MetricLabels& labels) {
  return OrAbort(name, [&]() -> prometheus::Histogram& {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry_).Add(labels, buckets);
  });
}

ScopedSampler MetricRegistry::Sample(std::function<void()> sample) {
  MutexLock lock(mutex_);
  const uint64_t id = next_id_++;
  samplers_.emplace(id, std::move(sample));
  return ScopedSampler(this, id);
}

void MetricRegistry::Remove(uint64_t id) {
  MutexLock lock(mutex_);
  samplers_.erase(id);
}

std::vector<prometheus::MetricFamily> MetricRegistry::Collect() {
  {
    MutexLock lock(mutex_);
    for (const auto& [id, sample] : samplers_) sample();
  }
  return registry_.Collect();
}

std::string MetricRegistry::Text() { return prometheus::TextSerializer().Serialize(Collect()); }

std::vector<std::string> MetricRegistry::Names() {
  std::vector<std::string> names;
  for (const prometheus::MetricFamily& family : Collect()) {
    std::set<std::string> labels;
    for (const prometheus::ClientMetric& metric : family.metric) {
      for (const prometheus::ClientMetric::Label& label : metric.label) labels.insert(label.name);
    }
    std::string line = absl::StrCat(family.name, " ", TypeName(family.type));
    if (!labels.empty()) absl::StrAppend(&line, " ", absl::StrJoin(labels, ","));
    names.push_back(std::move(line));
  }
  std::sort(names.begin(), names.end());
  return names;
}

void RaiseTo(prometheus::Counter& counter, double total) {
  const double difference = total - counter.Value();
  if (difference > 0) counter.Increment(difference);
}

}  // namespace tokenwatch::common

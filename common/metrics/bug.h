// Counting what must not happen but need not end the process: `bug_total{site}`, and one log line.
//
//   BugSite kLostReply("rpc_unfinished");     // at namespace scope
//   ...
//   kLostReply.Report("Get was never answered");
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "common/metrics/registry.h"

namespace tokenwatch::common {

// A place in the code. Make them at namespace scope only: they are linked into a list for the life of the program.
class BugSite {
 public:
  // `name` is the label: letters, digits and underscores; a literal.
  explicit BugSite(const char* name);
  BugSite(const BugSite&) = delete;
  BugSite& operator=(const BugSite&) = delete;

  // Counts, and logs at error level (at most once a second over all sites). Thread-safe; never blocks.
  void Report(absl::string_view detail);
  uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  const char* name() const { return name_; }

 private:
  friend class BugMetrics;
  const char* const name_;
  std::atomic<uint64_t> count_{0};
  BugSite* next_;
};

// Serves `bug_total{site}` for every site of the program while it lives.
class BugMetrics {
 public:
  explicit BugMetrics(MetricRegistry& registry);

 private:
  ScopedSampler sampler_;
};

}  // namespace tokenwatch::common

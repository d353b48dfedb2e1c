#include "common/metrics/process_metrics.h"

#include <fstream>
#include <optional>
#include <vector>

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/log/log.h"

namespace tokenwatch::common {
namespace {

std::string FirstLine(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Field numbers as in proc(5), /proc/pid/stat, counted from 1.
constexpr size_t kUserTicksField = 14;
constexpr size_t kSystemTicksField = 15;
constexpr size_t kThreadsField = 20;
constexpr size_t kStartTicksField = 22;
constexpr size_t kResidentPagesField = 24;

struct Stat {
  double cpu_seconds;
  double threads;
  double start_seconds_after_boot;
  double resident_bytes;
};

std::optional<Stat> ReadStat() {
  const std::string line = FirstLine("/proc/self/stat");
  // The program's name, field 2, is in brackets and may contain anything.
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  const std::vector<std::string> fields = absl::StrSplit(line.substr(name_end + 1), ' ', absl::SkipEmpty());
  if (fields.size() + 2 < kResidentPagesField) return std::nullopt;
  const auto number = [&fields](size_t field) {
    double value = 0;
    return absl::SimpleAtod(fields[field - 3], &value) ? value : 0;
  };
  const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return Stat{.cpu_seconds = (number(kUserTicksField) + number(kSystemTicksField)) / ticks_per_second,
              .threads = number(kThreadsField),
              .start_seconds_after_boot = number(kStartTicksField) / ticks_per_second,
              .resident_bytes = number(kResidentPagesField) * static_cast<double>(::sysconf(_SC_PAGESIZE))};
}

std::optional<double> BootTimeSeconds() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    double seconds = 0;
    if (line.rfind("btime ", 0) == 0 && absl::SimpleAtod(line.substr(6), &seconds)) return seconds;
  }
  return std::nullopt;
}

std::optional<double> OpenFds() {
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return std::nullopt;
  double count = 0;
  while (const dirent* entry = ::readdir(directory)) count += entry->d_name[0] != '.' ? 1 : 0;
  ::closedir(directory);
  return count - 1;  // the directory itself
}

}  // namespace

const char* BuildVersion() { return TOKENWATCH_VERSION; }

ProcessMetrics::ProcessMetrics(MetricRegistry& registry, const std::string& service) : bugs_(registry) {
  registry
      .Gauge("build_info", "Always 1; the labels tell what is running.",
             {{"service", service}, {"version", BuildVersion()}, {"compiler", __VERSION__}})
      .Set(1);
  auto& resident = registry.Gauge("process_resident_memory_bytes", "Resident memory.");
  auto& threads = registry.Gauge("process_threads", "Threads.");
  auto& open_fds = registry.Gauge("process_open_fds", "Open file descriptors.");
  auto& max_fds = registry.Gauge("process_max_fds", "Limit of open file descriptors.");
  auto& start_time = registry.Gauge("process_start_time_seconds", "Start of the process, in seconds of Unix time.");
  auto& cpu = registry.Counter("process_cpu_seconds_total", "User and system CPU time.");
  auto& dropped = registry.Counter("log_lines_dropped_total", "Log lines lost to a full queue or a failed write.");

  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) max_fds.Set(static_cast<double>(limit.rlim_cur));
  const std::optional<Stat> at_start = ReadStat();
  const std::optional<double> boot = BootTimeSeconds();
  if (at_start.has_value() && boot.has_value()) start_time.Set(*boot + at_start->start_seconds_after_boot);

  sampler_ = registry.Sample([&resident, &threads, &open_fds, &cpu, &dropped] {
    if (const std::optional<Stat> stat = ReadStat()) {
      resident.Set(stat->resident_bytes);
      threads.Set(stat->threads);
      RaiseTo(cpu, stat->cpu_seconds);
    }
    if (const std::optional<double> fds = OpenFds()) open_fds.Set(*fds);
    RaiseTo(dropped, static_cast<double>(DroppedLogLines()));
  });
}

}  // namespace tokenwatch::common

#include "common/log/log.h"

#include <chrono>
#include <utility>
#include <vector>

#include <errno.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log/line_writer.h"
#include "common/sync/mutex.h"

namespace tokenwatch::common {
namespace {

constexpr absl::string_view kFixedKeys[] = {"timestamp", "severity", "message", "service"};

std::atomic<int> level{static_cast<int>(Severity::kInfo)};

// All writers there ever were. The list and its writers are never destroyed: threads may log until the very end, and a
// reader that stopped reading must not keep the program from ending.
struct Writers {
  Mutex mutex;
  std::vector<LineWriter*> all TW_GUARDED_BY(mutex);
  std::atomic<LineWriter*> current{nullptr};
};

Writers& AllWriters() {
  static auto* writers = new Writers;
  return *writers;
}

LineWriter& Install(LogOptions options, bool only_if_none) {
  Writers& writers = AllWriters();
  MutexLock lock(writers.mutex);
  LineWriter* current = writers.current.load(std::memory_order_acquire);
  if (current != nullptr && only_if_none) return *current;
  if (current != nullptr) current->Flush(absl::Seconds(5));
  auto* writer = new LineWriter(std::move(options.service), options.queue_lines, options.fd);
  writers.all.push_back(writer);
  writers.current.store(writer, std::memory_order_release);
  return *writer;
}

LineWriter& Current() {
  LineWriter* writer = AllWriters().current.load(std::memory_order_acquire);
  if (writer != nullptr) return *writer;
  return Install({.service = program_invocation_short_name}, /*only_if_none=*/true);
}

void AppendField(const LogField& field, std::string& line) {
  line += ',';
  bool fixed = false;
  for (absl::string_view key : kFixedKeys) fixed = fixed || key == field.key;
  AppendJsonString(fixed ? absl::StrCat("field_", field.key) : std::string(field.key), line);
  line += ':';
  field.value.AppendTo(line);
}

}  // namespace

absl::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return "DEBUG";
    case Severity::kInfo:
      return "INFO";
    case Severity::kWarning:
      return "WARNING";
    case Severity::kError:
      return "ERROR";
  }
  return "ERROR";
}

absl::StatusOr<Severity> ParseSeverity(absl::string_view name) {
  for (Severity severity : {Severity::kDebug, Severity::kInfo, Severity::kWarning, Severity::kError}) {
    if (absl::EqualsIgnoreCase(name, SeverityName(severity))) return severity;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("log level \"", name, "\" is unknown: use debug, info, warning or error"));
}

void InitLog(LogOptions options) { Install(std::move(options), /*only_if_none=*/false); }

void SetLogLevel(Severity new_level) { level.store(static_cast<int>(new_level), std::memory_order_relaxed); }

bool ShouldLog(Severity severity) { return static_cast<int>(severity) >= level.load(std::memory_order_relaxed); }

void LogFields(Severity severity, absl::string_view message, absl::Span<const LogField> fields) {
  if (!ShouldLog(severity)) return;
  LineWriter& writer = Current();
  std::string line = "{\"timestamp\":\"";
  line.reserve(256);
  AppendRfc3339(absl::Now(), line);
  absl::StrAppend(&line, "\",\"severity\":\"", SeverityName(severity), "\",\"message\":");
  AppendJsonString(message, line);
  line += ",\"service\":";
  AppendJsonString(writer.service(), line);
  for (const LogField& field : fields) AppendField(field, line);
  line += '}';
  writer.Write(line);
}

void Log(Severity severity, absl::string_view message, std::initializer_list<LogField> fields) {
  LogFields(severity, message, absl::MakeConstSpan(fields.begin(), fields.size()));
}

void LogLimited(uint64_t suppressed, Severity severity, absl::string_view message,
                std::initializer_list<LogField> fields) {
  std::vector<LogField> all(fields);
  if (suppressed > 0) all.push_back({"suppressed", suppressed});
  LogFields(severity, message, all);
}

bool FlushLog(absl::Duration timeout) { return Current().Flush(timeout); }

uint64_t DroppedLogLines() {
  Writers& writers = AllWriters();
  MutexLock lock(writers.mutex);
  uint64_t dropped = 0;
  for (const LineWriter* writer : writers.all) dropped += writer->dropped();
  return dropped;
}

bool LogLimiter::Allow(absl::Duration now, absl::Duration interval, uint64_t& suppressed) {
  const int64_t now_ns = absl::ToInt64Nanoseconds(now);
  int64_t next_ns = next_ns_.load(std::memory_order_relaxed);
  if (now_ns < next_ns ||
      !next_ns_.compare_exchange_strong(next_ns, absl::ToInt64Nanoseconds(now + interval), std::memory_order_relaxed)) {
    suppressed_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  suppressed = suppressed_.exchange(0, std::memory_order_relaxed);
  return true;
}

bool LogLimiter::Allow(absl::Duration interval, uint64_t& suppressed) {
  return Allow(absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()), interval, suppressed);
}

}  // namespace tokenwatch::common

// The log: one JSON object per line on standard error, with the keys timestamp, severity, message, service and then the
// fields of the call.
//
//   Log(Severity::kInfo, "serving", {{"grpc_port", port}, {"version", version}});
//   TW_LOG(Severity::kDebug, "frame decoded", {{"kind", ExpensiveName(frame)}});        // arguments only when needed
//   TW_LOG_EVERY(absl::Seconds(1), Severity::kWarning, "peer is away", {{"peer", peer}});  // at most one a second
//
// Logging never waits for the reader of standard error: lines go through a bounded queue to one writing thread, and
// when that queue is full the oldest line is dropped and counted. Everything here is thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/log/json_line.h"

namespace tokenwatch::common {

enum class Severity { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3 };

// "DEBUG", "INFO", "WARNING", "ERROR".
absl::string_view SeverityName(Severity severity);
// Case-insensitive; INVALID_ARGUMENT names the choices.
absl::StatusOr<Severity> ParseSeverity(absl::string_view name);

struct LogOptions {
  std::string service = {};
  size_t queue_lines = 8192;
  int fd = 2;  // not owned
};

// Starts the log of this program. Before that lines carry the program's file name as service. Tests may call it again:
// the new destination takes over, the old one is written out first.
void InitLog(LogOptions options);

// The least severe level that is written; kInfo in the beginning. May change at any time.
void SetLogLevel(Severity level);
bool ShouldLog(Severity severity);

// One line, unless the level says no. A field whose key is one of the fixed keys gets the prefix "field_".
void Log(Severity severity, absl::string_view message, std::initializer_list<LogField> fields = {});
void LogFields(Severity severity, absl::string_view message, absl::Span<const LogField> fields);

// Waits up to `timeout` until everything logged so far is written or dropped. True when it is.
bool FlushLog(absl::Duration timeout);

// Lines lost because the queue was full or the write failed, since the program began.
uint64_t DroppedLogLines();

// Lets one call through per interval and counts the others. One per call site, made by TW_LOG_EVERY.
class LogLimiter {
 public:
  // True when this call may log; `suppressed` is then the number of calls refused since the last that might.
  // `now` only ever is compared with earlier values of itself.
  bool Allow(absl::Duration now, absl::Duration interval, uint64_t& suppressed);
  // With the monotonic clock.
  bool Allow(absl::Duration interval, uint64_t& suppressed);

 private:
  std::atomic<int64_t> next_ns_{INT64_MIN};
  std::atomic<uint64_t> suppressed_{0};
};

// What TW_LOG_EVERY calls: as Log, with a field "suppressed" when that is not 0.
void LogLimited(uint64_t suppressed, Severity severity, absl::string_view message,
                std::initializer_list<LogField> fields = {});

}  // namespace tokenwatch::common

// Log(), evaluating its arguments only when the level wants the line.
#define TW_LOG(severity, ...)                           \
  do {                                                  \
    if (::tokenwatch::common::ShouldLog(severity)) {    \
      ::tokenwatch::common::Log(severity, __VA_ARGS__); \
    }                                                   \
  } while (false)

// TW_LOG at most once per `interval` (an absl::Duration) at this place in the code.
#define TW_LOG_EVERY(interval, severity, ...)                                       \
  do {                                                                              \
    if (::tokenwatch::common::ShouldLog(severity)) {                                \
      static ::tokenwatch::common::LogLimiter tw_log_limiter;                       \
      uint64_t tw_log_suppressed = 0;                                               \
      if (tw_log_limiter.Allow(interval, tw_log_suppressed)) {                      \
        ::tokenwatch::common::LogLimited(tw_log_suppressed, severity, __VA_ARGS__); \
      }                                                                             \
    }                                                                               \
  } while (false)

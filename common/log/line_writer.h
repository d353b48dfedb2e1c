// A bounded queue of finished lines and the one thread that writes them to a file descriptor.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace spdlog {
class async_logger;
namespace details {
class thread_pool;
}  // namespace details
}  // namespace spdlog

namespace tokenwatch::common {

class LineSink;

// Thread-safe. The destructor writes out what is queued and may therefore wait for the descriptor's reader.
class LineWriter {
 public:
  // `service` is named in the line that tells of dropped lines. `fd` is not owned.
  LineWriter(std::string service, size_t queue_lines, int fd);
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // Never waits for the descriptor; drops the oldest queued line when the queue is full. `line` has no line feed.
  void Write(absl::string_view line);
  // True when everything given to Write before is written or dropped within `timeout`.
  bool Flush(absl::Duration timeout);
  uint64_t dropped() const;
  const std::string& service() const { return service_; }

 private:
  const std::string service_;
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<LineSink> sink_;
  std::shared_ptr<spdlog::async_logger> logger_;
  std::atomic<uint64_t> accepted_{0};
};

}  // namespace tokenwatch::common

#include "common/log/line_writer.h"

#include <utility>

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log/json_line.h"
#include "common/sync/mutex.h"
#include "spdlog/async_logger.h"
#include "spdlog/details/thread_pool.h"
#include "spdlog/sinks/sink.h"

namespace tokenwatch::common {

// Called by the writing thread only, except for Wait and failed.
class LineSink final : public spdlog::sinks::sink {
 public:
  // `pool` outlives the sink's last call: it owns the thread that calls.
  LineSink(std::string service, int fd, spdlog::details::thread_pool* pool)
      : service_(std::move(service)), fd_(fd), pool_(pool) {}

  void log(const spdlog::details::log_msg& message) override {
    const uint64_t overrun = pool_->overrun_counter();
    if (overrun != reported_overrun_) {
      WriteLine(DroppedLine(overrun - reported_overrun_));
      reported_overrun_ = overrun;
    }
    const bool ok = WriteLine(std::string(message.payload.data(), message.payload.size()));
    if (!ok) failed_.fetch_add(1, std::memory_order_relaxed);
    MutexLock lock(mutex_);
    ++written_;
    progress_.NotifyAll();
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  // Waits until `lines` lines are written or overrun.
  bool Wait(uint64_t lines, absl::Duration timeout) {
    const absl::Time end = absl::Now() + timeout;
    MutexLock lock(mutex_);
    while (written_ + pool_->overrun_counter() < lines) {
      const absl::Duration left = end - absl::Now();
      if (left <= absl::ZeroDuration()) return false;
      progress_.WaitFor(mutex_, left);
    }
    return true;
  }

  uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }

 private:
  std::string DroppedLine(uint64_t lines) const {
    std::string line = "{\"timestamp\":\"";
    AppendRfc3339(absl::Now(), line);
    line += "\",\"severity\":\"WARNING\",\"message\":\"log lines were dropped: the reader of the log is too slow\",";
    line += "\"service\":";
    AppendJsonString(service_, line);
    absl::StrAppend(&line, ",\"lines\":", lines, "}");
    return line;
  }

  bool WriteLine(std::string line) {
    line += '\n';
    size_t done = 0;
    while (done < line.size()) {
      const ssize_t n = ::write(fd_, line.data() + done, line.size() - done);
      if (n > 0) {
        done += static_cast<size_t>(n);
      } else if (n < 0 && errno == EAGAIN) {
        pollfd waiting{fd_, POLLOUT, 0};
        ::poll(&waiting, 1, 1000);
      } else if (n < 0 && errno != EINTR) {
        return false;
      }
    }
    return true;
  }

  const std::string service_;
  const int fd_;
  spdlog::details::thread_pool* const pool_;
  uint64_t reported_overrun_ = 0;
  std::atomic<uint64_t> failed_{0};

  Mutex mutex_;
  CondVar progress_;
  uint64_t written_ TW_GUARDED_BY(mutex_) = 0;
};

LineWriter::LineWriter(std::string service, size_t queue_lines, int fd)
    : service_(std::move(service)),
      pool_(std::make_shared<spdlog::details::thread_pool>(queue_lines, 1)),
      sink_(std::make_shared<LineSink>(service_, fd, pool_.get())),
      logger_(std::make_shared<spdlog::async_logger>(service_, sink_, pool_,
                                                     spdlog::async_overflow_policy::overrun_oldest)) {
  logger_->set_level(spdlog::level::trace);
}

LineWriter::~LineWriter() { pool_.reset(); }

void LineWriter::Write(absl::string_view line) {
  accepted_.fetch_add(1, std::memory_order_relaxed);
  logger_->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

bool LineWriter::Flush(absl::Duration timeout) {
  return sink_->Wait(accepted_.load(std::memory_order_relaxed), timeout);
}

uint64_t LineWriter::dropped() const { return pool_->overrun_counter() + sink_->failed(); }

}  // namespace tokenwatch::common

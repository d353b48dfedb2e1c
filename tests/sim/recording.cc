#include "tests/sim/recording.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include <zlib.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/sim/json_text.h"
#include "tests/sim/log_frame.h"

namespace tokenwatch::sim {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr int64_t kMicrosecondsPerSecond = 1'000'000;

}  // namespace

struct RecordingWriter::Gzip {
  gzFile file = nullptr;
};

void AppendRecordingLine(const Frame& frame, std::string* out) {
  out->append("{\"t\": ");
  AppendUnsigned(static_cast<uint64_t>(frame.time_us / kMicrosecondsPerSecond), out);
  char fraction[] = ".000000";
  int64_t left = frame.time_us % kMicrosecondsPerSecond;
  for (int digit = 6; digit > 0; --digit, left /= 10) fraction[digit] = static_cast<char>('0' + left % 10);
  out->append(fraction, 7);
  out->append(", \"feed\": \"");
  out->append(FeedText(frame.feed).data(), FeedText(frame.feed).size());
  out->append("\", \"raw\": ");
  AppendJsonString(frame.raw, out);
  out->append("}\n");
}

RecordingWriter::RecordingWriter(std::string path, std::FILE* plain, std::unique_ptr<Gzip> gzip)
    : path_(std::move(path)), plain_(plain), gzip_(std::move(gzip)) {
  buffer_.reserve(kBufferBytes + (kBufferBytes >> 4));
}

RecordingWriter::~RecordingWriter() {
  if (gzip_ != nullptr && gzip_->file != nullptr) gzclose(gzip_->file);
  if (plain_ != nullptr && plain_ != stdout) std::fclose(plain_);
}

absl::StatusOr<std::unique_ptr<RecordingWriter>> RecordingWriter::Open(const std::string& path) {
  std::FILE* plain = nullptr;
  std::unique_ptr<Gzip> gzip;
  if (path == "-") {
    plain = stdout;
  } else if (absl::EndsWith(path, ".gz")) {
    gzip = std::make_unique<Gzip>();
    gzip->file = gzopen(path.c_str(), "wb1");
  } else {
    plain = std::fopen(path.c_str(), "wb");
  }
  if (plain == nullptr && (gzip == nullptr || gzip->file == nullptr)) {
    return absl::UnavailableError(absl::StrCat("recording: cannot create ", path, ": ", std::strerror(errno)));
  }
  return std::unique_ptr<RecordingWriter>(new RecordingWriter(path, plain, std::move(gzip)));
}

absl::Status RecordingWriter::Failure() const {
  return absl::UnavailableError(absl::StrCat("recording: cannot write ", path_, ": ", std::strerror(errno)));
}

absl::Status RecordingWriter::Write(const Frame& frame) {
  AppendRecordingLine(frame, &buffer_);
  return buffer_.size() < kBufferBytes ? absl::OkStatus() : Flush();
}

absl::Status RecordingWriter::Flush() {
  const bool written =
      buffer_.empty() ||
      (gzip_ != nullptr ? gzwrite(gzip_->file, buffer_.data(), static_cast<unsigned>(buffer_.size())) > 0
                        : std::fwrite(buffer_.data(), 1, buffer_.size(), plain_) == buffer_.size());
  buffer_.clear();
  return written ? absl::OkStatus() : Failure();
}

absl::Status RecordingWriter::Close() {
  const absl::Status flushed = Flush();
  bool closed = true;
  if (gzip_ != nullptr) {
    closed = gzclose(std::exchange(gzip_->file, nullptr)) == Z_OK;
  } else {
    std::FILE* file = std::exchange(plain_, nullptr);
    closed = file == stdout ? std::fflush(file) == 0 : std::fclose(file) == 0;
  }
  if (!flushed.ok()) return flushed;
  return closed ? absl::OkStatus() : Failure();
}

}  // namespace tokenwatch::sim

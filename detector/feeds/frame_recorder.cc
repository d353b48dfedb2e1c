#include "detector/feeds/frame_recorder.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <zlib.h>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/recording/recording_file.h"

namespace tokenwatch::detector {
namespace {

constexpr absl::Duration kFlushInterval = absl::Seconds(1);
constexpr int kMaxRuns = 10'000;

}  // namespace

class FrameRecorder::File {
 public:
  explicit File(gzFile file) : file_(file) {}
  ~File() { gzclose(file_); }
  bool Write(absl::string_view bytes) {
    return gzwrite(file_, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size());
  }
  bool Flush() { return gzflush(file_, Z_SYNC_FLUSH) == Z_OK; }

 private:
  gzFile file_;
};

FrameRecorder::FrameRecorder(std::unique_ptr<File> file, std::string path)
    : path_(std::move(path)), file_(std::move(file)) {}

FrameRecorder::~FrameRecorder() = default;

absl::StatusOr<std::unique_ptr<FrameRecorder>> FrameRecorder::Open(const std::string& wanted) {
  // A file of an earlier run is left alone: that run may have died in the middle of it, and what is appended to a cut
  // gzip stream cannot be read.
  std::string path = wanted;
  for (int run = 1; run < kMaxRuns && std::filesystem::is_regular_file(path); ++run) {
    path = absl::StrCat(wanted, ".", run);
  }
  errno = 0;
  gzFile file = gzopen(path.c_str(), "wb6");
  if (file == nullptr) {
    const std::string message = absl::StrCat("recording ", path, " cannot be written: ", std::strerror(errno));
    return errno == EACCES ? absl::PermissionDeniedError(message) : absl::NotFoundError(message);
  }
  return std::unique_ptr<FrameRecorder>(new FrameRecorder(std::make_unique<File>(file), path));
}

void FrameRecorder::Record(absl::string_view feed, absl::Time received_at, absl::string_view raw) {
  common::MutexLock lock(mutex_);
  if (file_ == nullptr) return;
  line_.clear();
  common::AppendRecordedFrame({received_at, feed, raw}, line_);
  bool written = file_->Write(line_);
  if (written && received_at - flushed_at_ >= kFlushInterval) {
    written = file_->Flush();
    flushed_at_ = received_at;
  }
  if (written) return;
  status_ = absl::ResourceExhaustedError(
      absl::StrCat("recording ", path_, " ended: it cannot be written (", std::strerror(errno), ")"));
  common::Log(common::Severity::kError, status_.message());
  file_.reset();
}

absl::Status FrameRecorder::status() const {
  common::MutexLock lock(mutex_);
  return status_;
}

}  // namespace tokenwatch::detector

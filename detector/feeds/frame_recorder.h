// Writes the raw frames of live feeds to a recording.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"

namespace tokenwatch::detector {

// Thread-safe. A file that cannot be written any more (a full disk) stops the recording and not the feed: it is
// logged once, and status() tells.
class FrameRecorder {
 public:
  // Writes to `path`, or to `path`.1, .2, ... where files of earlier runs are there. PERMISSION_DENIED or NOT_FOUND,
  // naming the file, when it cannot be opened.
  static absl::StatusOr<std::unique_ptr<FrameRecorder>> Open(const std::string& path);
  // Ends the file properly.
  ~FrameRecorder();

  // A process that dies loses what came after the last flush, which is made about once a second.
  void Record(absl::string_view feed, absl::Time received_at, absl::string_view raw) TW_EXCLUDES(mutex_);

  absl::Status status() const TW_EXCLUDES(mutex_);

 private:
  class File;
  FrameRecorder(std::unique_ptr<File> file, std::string path);

  const std::string path_;
  mutable common::Mutex mutex_;
  std::unique_ptr<File> file_ TW_GUARDED_BY(mutex_);
  absl::Status status_ TW_GUARDED_BY(mutex_);
  std::string line_ TW_GUARDED_BY(mutex_);
  absl::Time flushed_at_ TW_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace tokenwatch::detector

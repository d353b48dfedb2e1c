// Recordings: JSON lines {"t": seconds, "feed": name, "raw": text of one frame}, gzip or plain. Also lines without
// "feed", and with "t_wall" for "t", as other recorders write them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tokenwatch::common {

// Reads lines one after another. One thread at a time.
class RecordingReader {
 public:
  static constexpr size_t kMaxLineBytes = size_t{32} << 20;

  // NOT_FOUND or PERMISSION_DENIED, naming the file, when it cannot be read.
  static absl::StatusOr<std::unique_ptr<RecordingReader>> Open(const std::string& path);
  ~RecordingReader();

  // The next line, without its newline, valid until the next call; a line longer than kMaxLineBytes is cut there.
  // OUT_OF_RANGE at the end. DATA_LOSS, naming the file and the line, when the file is damaged or cut: all lines before
  // were whole.
  absl::StatusOr<absl::string_view> NextLine();

  // Names what is recorded, whatever the file is called: derived from the size and the first 64 KiB of the file.
  const std::string& identity() const { return identity_; }
  uint64_t lines() const { return lines_; }

 private:
  class Impl;
  explicit RecordingReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  std::string identity_;
  uint64_t lines_ = 0;
};

struct RecordedFrame {
  absl::Time received_at;
  // Empty when the line names none.
  absl::string_view feed;
  absl::string_view raw;
};

// Takes lines apart. One thread at a time.
class RecordedFrameParser {
 public:
  RecordedFrameParser();
  ~RecordedFrameParser();

  // Views are valid until the next call. INVALID_ARGUMENT when the line is not one of a recording.
  absl::StatusOr<RecordedFrame> Parse(absl::string_view line);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Appends one line (with its newline) of a recording.
void AppendRecordedFrame(const RecordedFrame& frame, std::string& out);

}  // namespace tokenwatch::common

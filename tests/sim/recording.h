// Writes frames as a recording: one JSON line {"t": seconds, "feed": name, "raw": text} each, plain or gzip.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/sim/simulator.h"

namespace tokenwatch::sim {

// Appends the line of a frame, line end included; `t` has six decimals.
void AppendRecordingLine(const Frame& frame, std::string* out);

// One thread at a time.
class RecordingWriter {
 public:
  // Creates or replaces the file: gzip when the name ends in ".gz", standard output when it is "-".
  static absl::StatusOr<std::unique_ptr<RecordingWriter>> Open(const std::string& path);
  ~RecordingWriter();
  RecordingWriter(const RecordingWriter&) = delete;
  RecordingWriter& operator=(const RecordingWriter&) = delete;

  absl::Status Write(const Frame& frame);
  // Writes what is left; without it the recording is not complete. Call once, as the last.
  absl::Status Close();

 private:
  struct Gzip;

  RecordingWriter(std::string path, std::FILE* plain, std::unique_ptr<Gzip> gzip);
  absl::Status Flush();
  absl::Status Failure() const;

  const std::string path_;
  std::FILE* plain_;
  std::unique_ptr<Gzip> gzip_;
  std::string buffer_;
};

}  // namespace tokenwatch::sim

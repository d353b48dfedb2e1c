// Where text goes: the standard output and the standard error of the program, or a string of a test.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tokenwatch::cli {

// One thread writes; IsClosed may be asked by any.
class Sink {
 public:
  virtual ~Sink() = default;
  // Writes all of `text` through to the reader. CANCELLED when the reader has gone, INTERNAL when it cannot be written.
  virtual absl::Status Write(absl::string_view text) = 0;
  // Whether the reader has gone (a closed pipe, a terminal that hung up).
  virtual bool IsClosed() = 0;
};

// A file descriptor that somebody else owns. SIGPIPE must be ignored.
class FileSink final : public Sink {
 public:
  explicit FileSink(int descriptor) : descriptor_(descriptor) {}
  absl::Status Write(absl::string_view text) override;
  bool IsClosed() override;

 private:
  const int descriptor_;
};

}  // namespace tokenwatch::cli

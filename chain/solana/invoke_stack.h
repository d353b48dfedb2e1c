// Which program wrote a `Program data:` line, and did that invocation and all above it succeed? Answered from the log
// lines of one transaction alone (`Program X invoke [n]`, `Program X success`, `Program X failed: ...`).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

namespace tokenwatch::chain {

enum class InvocationOutcome : uint8_t {
  kSucceeded,   // every invocation on the line's stack ended in success
  kFailed,      // one of them failed, so nothing it did stands
  kUnresolved,  // the logs end, break or are cut before all of them ended
};

// One `Program data:` line.
struct DataLine {
  absl::string_view program;  // base58 id of the emitting program; empty when no invocation was open
  absl::string_view payload;  // everything after "Program data: "
  uint32_t ordinal = 0;       // 0-based among all data lines of the transaction: the event index of its identity
  uint8_t depth = 0;          // 1 = called by the transaction itself, 2 = by CPI, ...; 0 when no invocation was open
  InvocationOutcome outcome = InvocationOutcome::kUnresolved;
};

// Reads the lines of one transaction in order. Views point into the lines handed in, which must outlive the use of the
// results. One object serves many transactions, one thread at a time; it allocates only while its list of data lines
// grows to the longest seen (at most kMaxDataLines).
//
// Lines after "Log truncated" are not followed: the runtime goes on printing those that still fit, so invocations may
// open or close unseen. What was open stays kUnresolved, and only the number of later data lines is known.
class InvokeStack {
 public:
  // The runtime allows 5 (9 with SIMD-0268); a deeper log is not a runtime's.
  static constexpr size_t kMaxDepth = 16;
  // A real transaction's logs are 10 KB; this is far above what they can hold.
  static constexpr size_t kMaxDataLines = 4096;

  // Forgets the transaction before.
  void Reset();

  // Takes the next line. Returns the data line it was (valid until the next call), nullptr for any other line. Its
  // outcome is final only after the last line.
  const DataLine* AddLine(absl::string_view line);

  const std::vector<DataLine>& data_lines() const { return data_lines_; }

  // "Log truncated" was seen: get the whole transaction elsewhere.
  bool truncated() const { return truncated_; }
  // Data lines not in data_lines(): behind the truncation, or beyond kMaxDataLines.
  uint32_t lost_data_lines() const { return lost_data_lines_; }
  // The lines contradict themselves (a success of a program that is not on top, a wrong depth, too deep). From there on
  // nothing is attributed.
  bool malformed() const { return malformed_; }

 private:
  struct Invocation {
    absl::string_view program;
    size_t first_data_line = 0;
  };

  const DataLine* AddData(absl::string_view payload);
  void Open(absl::string_view program, absl::string_view depth_text);
  void Close(absl::string_view program, bool success);
  void MarkFrom(size_t first, InvocationOutcome outcome);

  std::array<Invocation, kMaxDepth> stack_;
  size_t depth_ = 0;
  std::vector<DataLine> data_lines_;
  uint32_t lost_data_lines_ = 0;
  bool truncated_ = false;
  bool malformed_ = false;
};

}  // namespace tokenwatch::chain

// Writes one logsNotification message line by line, as a Solana node prints a transaction's logs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace tokenwatch::sim {

// Nothing is escaped: program ids, texts and reasons must be free of quotes, backslashes and control characters.
// One thread at a time.
class LogFrameWriter {
 public:
  static constexpr size_t kNoLineLimit = SIZE_MAX;
  static constexpr uint64_t kSubscription = 13'117'691;

  // Replaces *out, which must outlive the writer's use. `error_json` is the `err` value, "null" for a success. After
  // `line_limit` lines the log is cut: "Log truncated", and nothing more.
  void Begin(uint64_t slot, absl::string_view signature, absl::string_view error_json, size_t line_limit,
             std::string* out);
  void Invoke(absl::string_view program);
  void Log(absl::string_view text);     // Program log:
  void Data(absl::string_view bytes);   // Program data:, in base64
  void Return(absl::string_view text);  // Program return:, of the innermost program, already in base64
  void Consumed(uint64_t used_units, uint64_t of_units);
  void Success();  // of the innermost program
  void Failed(absl::string_view reason);
  void End();

  // Invoke and Success at once, for programs that print nothing.
  void Call(absl::string_view program) {
    Invoke(program);
    Success();
  }
  bool truncated() const { return lines_ > line_limit_; }

 private:
  bool StartLine();
  void EndLine() { out_->push_back('"'); }
  absl::string_view program() const { return stack_[depth_ - 1]; }

  std::string* out_ = nullptr;
  size_t line_limit_ = kNoLineLimit;
  size_t lines_ = 0;
  std::array<absl::string_view, 5> stack_;  // the runtime's limit of nested calls
  size_t depth_ = 0;
};

// Appends decimal digits; much quicker than the general formatters.
void AppendUnsigned(uint64_t value, std::string* out);

}  // namespace tokenwatch::sim

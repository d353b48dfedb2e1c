#include "tests/sim/log_frame.h"

#include <charconv>

#include "tests/sim/event_encoder.h"

namespace tokenwatch::sim {
namespace {

void Append(absl::string_view text, std::string* out) { out->append(text.data(), text.size()); }

}  // namespace

void AppendUnsigned(uint64_t value, std::string* out) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  out->append(digits, static_cast<size_t>(end - digits));
}

void LogFrameWriter::Begin(uint64_t slot, absl::string_view signature, absl::string_view error_json, size_t line_limit,
                           std::string* out) {
  out_ = out;
  line_limit_ = line_limit;
  lines_ = 0;
  depth_ = 0;
  out_->clear();
  Append(R"({"jsonrpc":"2.0","method":"logsNotification","params":{"subscription":)", out_);
  AppendUnsigned(kSubscription, out_);
  Append(R"(,"result":{"context":{"slot":)", out_);
  AppendUnsigned(slot, out_);
  Append(R"(},"value":{"signature":")", out_);
  Append(signature, out_);
  Append(R"(","err":)", out_);
  Append(error_json, out_);
  Append(R"(,"logs":[)", out_);
}

bool LogFrameWriter::StartLine() {
  ++lines_;
  if (lines_ > line_limit_) {
    if (lines_ == line_limit_ + 1) Append(lines_ > 1 ? R"(,"Log truncated")" : R"("Log truncated")", out_);
    return false;
  }
  Append(lines_ > 1 ? R"(,")" : R"(")", out_);
  return true;
}

void LogFrameWriter::Invoke(absl::string_view program) {
  stack_[depth_++] = program;
  if (!StartLine()) return;
  Append("Program ", out_);
  Append(program, out_);
  Append(" invoke [", out_);
  out_->push_back(static_cast<char>('0' + depth_));
  out_->push_back(']');
  EndLine();
}

void LogFrameWriter::Log(absl::string_view text) {
  if (!StartLine()) return;
  Append("Program log: ", out_);
  Append(text, out_);
  EndLine();
}

void LogFrameWriter::Data(absl::string_view bytes) {
  if (!StartLine()) return;
  Append("Program data: ", out_);
  AppendBase64(bytes, out_);
  EndLine();
}

void LogFrameWriter::Return(absl::string_view text) {
  if (!StartLine()) return;
  Append("Program return: ", out_);
  Append(program(), out_);
  out_->push_back(' ');
  Append(text, out_);
  EndLine();
}

void LogFrameWriter::Consumed(uint64_t used_units, uint64_t of_units) {
  if (!StartLine()) return;
  Append("Program ", out_);
  Append(program(), out_);
  Append(" consumed ", out_);
  AppendUnsigned(used_units, out_);
  Append(" of ", out_);
  AppendUnsigned(of_units, out_);
  Append(" compute units", out_);
  EndLine();
}

void LogFrameWriter::Success() {
  if (StartLine()) {
    Append("Program ", out_);
    Append(program(), out_);
    Append(" success", out_);
    EndLine();
  }
  --depth_;
}

void LogFrameWriter::Failed(absl::string_view reason) {
  if (StartLine()) {
    Append("Program ", out_);
    Append(program(), out_);
    Append(" failed: ", out_);
    Append(reason, out_);
    EndLine();
  }
  --depth_;
}

void LogFrameWriter::End() { Append("]}}}}", out_); }

}  // namespace tokenwatch::sim

#include "chain/solana/invoke_stack.h"

#include "absl/strings/match.h"

namespace tokenwatch::chain {
namespace {

constexpr absl::string_view kProgram = "Program ";
constexpr absl::string_view kLog = "log: ";
constexpr absl::string_view kData = "data: ";
constexpr absl::string_view kInvoke = "invoke [";
constexpr absl::string_view kSuccess = "success";
constexpr absl::string_view kFailed = "failed";
constexpr absl::string_view kTruncated = "Log truncated";
// Base58 of 32 bytes. Other runtime lines ("Program return: ...", "Program failed to complete: ...") have a shorter
// word there.
constexpr size_t kMinIdSize = 32;
constexpr size_t kMaxIdSize = 44;

// "1]" .. "99]"; 0 for anything else, which is no depth.
size_t ParseDepth(absl::string_view text) {
  if (text.size() < 2 || text.size() > 3 || text.back() != ']') return 0;
  size_t depth = 0;
  for (char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return 0;
    depth = depth * 10 + static_cast<size_t>(c - '0');
  }
  return depth;
}

}  // namespace

void InvokeStack::Reset() {
  depth_ = 0;
  data_lines_.clear();
  lost_data_lines_ = 0;
  truncated_ = false;
  malformed_ = false;
}

const DataLine* InvokeStack::AddLine(absl::string_view line) {
  if (!absl::StartsWith(line, kProgram)) {
    if (line == kTruncated) truncated_ = true;
    return nullptr;
  }
  line.remove_prefix(kProgram.size());
  // What a program logs as text always stands behind "Program log: ", so no program can write any of the lines below.
  if (absl::StartsWith(line, kLog)) return nullptr;
  if (absl::StartsWith(line, kData)) return AddData(line.substr(kData.size()));
  const size_t id_size = line.find(' ');
  if (id_size == absl::string_view::npos || id_size < kMinIdSize || id_size > kMaxIdSize) return nullptr;
  const absl::string_view id = line.substr(0, id_size);
  const absl::string_view rest = line.substr(id_size + 1);
  if (absl::StartsWith(rest, kInvoke)) {
    Open(id, rest.substr(kInvoke.size()));
  } else if (rest == kSuccess) {
    Close(id, true);
  } else if (absl::StartsWith(rest, kFailed)) {
    Close(id, false);
  }
  return nullptr;
}

const DataLine* InvokeStack::AddData(absl::string_view payload) {
  if (truncated_ || data_lines_.size() == kMaxDataLines) {
    ++lost_data_lines_;
    return nullptr;
  }
  DataLine& line = data_lines_.emplace_back();
  line.payload = payload;
  line.ordinal = static_cast<uint32_t>(data_lines_.size() - 1);
  if (!malformed_ && depth_ > 0) {
    line.program = stack_[depth_ - 1].program;
    line.depth = static_cast<uint8_t>(depth_);
  }
  return &line;
}

void InvokeStack::Open(absl::string_view program, absl::string_view depth_text) {
  if (truncated_ || malformed_) return;
  if (ParseDepth(depth_text) != depth_ + 1 || depth_ == kMaxDepth) {
    malformed_ = true;
    return;
  }
  stack_[depth_++] = {program, data_lines_.size()};
}

void InvokeStack::Close(absl::string_view program, bool success) {
  if (truncated_ || malformed_) return;
  if (depth_ == 0 || stack_[depth_ - 1].program != program) {
    malformed_ = true;
    return;
  }
  --depth_;
  const size_t first = stack_[depth_].first_data_line;
  if (!success) {
    MarkFrom(first, InvocationOutcome::kFailed);
  } else if (depth_ == 0) {
    MarkFrom(first, InvocationOutcome::kSucceeded);
  }
}

// Gives the lines from `first` on their outcome, unless an invocation below has failed them already.
void InvokeStack::MarkFrom(size_t first, InvocationOutcome outcome) {
  for (size_t i = first; i < data_lines_.size(); ++i) {
    if (data_lines_[i].outcome != InvocationOutcome::kFailed) data_lines_[i].outcome = outcome;
  }
}

}  // namespace tokenwatch::chain

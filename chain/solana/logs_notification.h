// JSON-RPC messages of a `logsSubscribe` on the pump.fun program -> slot, signature, error flag and decoded events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "chain/address.h"
#include "chain/solana/invoke_stack.h"
#include "chain/solana/pumpfun_events.h"

namespace tokenwatch::chain {

enum class LogsMessageKind : uint8_t {
  kNotification,     // one transaction's logs
  kSubscriptionAck,  // {"id":..,"result":<number>}
  kRpcError,         // {"id":..,"error":{"code":..,"message":..}}
  kUnknown,          // none of these, or no JSON object at all; keep it raw
  kMalformed,        // broken JSON, or a notification without what it must have; keep it raw
  kTooLarge,         // above the decoder's limit, not looked at
};

// One event of the pump program.
struct PumpLogEvent {
  uint32_t ordinal = 0;  // 0-based among all `Program data:` lines of the transaction: the event index
  uint8_t depth = 0;     // invocation depth of the pump program, 1 = called by the transaction itself
  InvocationOutcome outcome = InvocationOutcome::kUnresolved;
  // It happened: the transaction carries no error and every invocation above the line succeeded.
  bool valid = false;
  absl::Span<const uint8_t> data;  // the decoded base64; empty when that was bad
  PumpEvent event;
};

// What one message held. Fields beyond `kind` and `problem` are set for the kinds named.
struct LogsMessage {
  LogsMessageKind kind = LogsMessageKind::kUnknown;
  absl::string_view problem;  // kUnknown, kMalformed, kTooLarge: what was wrong; a constant

  // kNotification
  uint64_t subscription = 0;
  uint64_t slot = 0;
  TransactionId signature;
  bool has_error = false;        // `err` is not null: the transaction failed as a whole
  bool truncated = false;        // "Log truncated": fetch the transaction elsewhere
  bool logs_malformed = false;   // the invoke lines contradict themselves; what follows the break is not attributed
  uint32_t data_line_count = 0;  // of all programs, including those that were lost to truncation
  std::vector<PumpLogEvent> events;

  // kSubscriptionAck and kRpcError: the request's id, 0 when it is not a number. kSubscriptionAck: `subscription` too.
  uint64_t request_id = 0;
  // kRpcError
  int64_t error_code = 0;
  absl::string_view error_message;
};

// Reusable; one thread at a time. Holds buffers that grow to the largest message seen, at most a few times
// `max_message_bytes`.
class LogsDecoder {
 public:
  // How many readable bytes a caller of DecodePadded promises behind the message.
  static constexpr size_t kPaddingBytes = 64;

  explicit LogsDecoder(size_t max_message_bytes = size_t{1} << 20);
  ~LogsDecoder();
  LogsDecoder(const LogsDecoder&) = delete;
  LogsDecoder& operator=(const LogsDecoder&) = delete;

  // Decodes a message. The result, and every view in it, is valid until the next call and only as long as the decoder.
  const LogsMessage& Decode(absl::string_view json);

  // The same without the copy: at least kPaddingBytes bytes behind `json` are readable (of any content), and views in
  // the result may point into `json` as well.
  const LogsMessage& DecodePadded(absl::string_view json);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tokenwatch::chain

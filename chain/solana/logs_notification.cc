#include "chain/solana/logs_notification.h"

#include <cstring>
#include <string>
#include <variant>

#include <simdjson.h>

#include "chain/base64.h"
#include "chain/solana/programs.h"

namespace tokenwatch::chain {
namespace {

namespace od = simdjson::ondemand;

static_assert(LogsDecoder::kPaddingBytes >= simdjson::SIMDJSON_PADDING);

absl::string_view View(std::string_view text) { return absl::string_view(text.data(), text.size()); }

constexpr absl::string_view kNotJson = "broken JSON";
constexpr absl::string_view kIncomplete = "a notification without slot, signature or logs";

}  // namespace

class LogsDecoder::Impl {
 public:
  explicit Impl(size_t max_message_bytes) : max_message_bytes_(max_message_bytes), parser_(max_message_bytes) {}

  const LogsMessage& Decode(absl::string_view json) {
    if (!json.empty() && json.size() <= max_message_bytes_) {
      if (padded_.size() < json.size() + kPaddingBytes) padded_.resize(json.size() + kPaddingBytes);
      std::memcpy(padded_.data(), json.data(), json.size());
      json = absl::string_view(padded_.data(), json.size());
    }
    return DecodePadded(json);
  }

  const LogsMessage& DecodePadded(absl::string_view json) {
    Clear();
    if (json.size() > max_message_bytes_) return Fail(LogsMessageKind::kTooLarge, "larger than the limit");
    if (json.empty()) return Fail(LogsMessageKind::kMalformed, kNotJson);
    // Views of decoded events must not move, so their room is made before the first one: base64 and escapes only
    // shrink.
    if (scratch_.size() < json.size()) scratch_.resize(json.size());
    scratch_used_ = 0;
    has_escapes_ = std::memchr(json.data(), '\\', json.size()) != nullptr;
    if (ReadMessage(json) != simdjson::SUCCESS) {
      message_.events.clear();
      return Fail(LogsMessageKind::kMalformed, kNotJson);
    }
    return message_;
  }

 private:
  void Clear() {
    std::vector<PumpLogEvent> events = std::move(message_.events);
    events.clear();
    message_ = LogsMessage{};
    message_.events = std::move(events);
    stack_.Reset();
    has_slot_ = has_signature_ = has_logs_ = has_notification_ = false;
    has_result_ = has_rpc_error_ = has_id_ = false;
  }

  const LogsMessage& Fail(LogsMessageKind kind, absl::string_view problem) {
    message_.kind = kind;
    message_.problem = problem;
    return message_;
  }

  simdjson::error_code ReadMessage(absl::string_view json) {
    od::document document;
    od::object root;
    SIMDJSON_TRY(parser_.iterate(json.data(), json.size(), json.size() + kPaddingBytes).get(document));
    od::json_type type;
    SIMDJSON_TRY(document.type().get(type));
    if (type != od::json_type::object) {
      Fail(LogsMessageKind::kUnknown, "not a JSON object");
      return simdjson::SUCCESS;
    }
    SIMDJSON_TRY(document.get_object().get(root));
    absl::string_view method;
    for (auto field_result : root) {
      od::field field;
      SIMDJSON_TRY(std::move(field_result).get(field));
      const od::raw_json_string key = field.key();
      if (key == "method") {
        SIMDJSON_TRY(ReadText(field.value(), method));
      } else if (key == "params") {
        SIMDJSON_TRY(ReadParams(field.value()));
      } else if (key == "result") {
        has_result_ = field.value().get_uint64().get(message_.subscription) == simdjson::SUCCESS;
      } else if (key == "id") {
        has_id_ = true;
        if (field.value().get_uint64().get(message_.request_id) != simdjson::SUCCESS) message_.request_id = 0;
      } else if (key == "error") {
        SIMDJSON_TRY(ReadError(field.value()));
      }
    }
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) return simdjson::TRAILING_CONTENT;
    Classify(method);
    return simdjson::SUCCESS;
  }

  void Classify(absl::string_view method) {
    if (method == "logsNotification") {
      if (has_notification_ && has_slot_ && has_signature_ && has_logs_) {
        message_.kind = LogsMessageKind::kNotification;
        FinishEvents();
        return;
      }
      message_.events.clear();
      Fail(LogsMessageKind::kMalformed, kIncomplete);
      return;
    }
    message_.events.clear();
    if (method.empty() && has_rpc_error_) {
      message_.kind = LogsMessageKind::kRpcError;
    } else if (method.empty() && has_id_ && has_result_) {
      message_.kind = LogsMessageKind::kSubscriptionAck;
    } else {
      Fail(LogsMessageKind::kUnknown, "neither a logsNotification, nor an answer to a subscription");
    }
  }

  simdjson::error_code ReadParams(od::value value) {
    od::object params;
    if (value.get_object().get(params) != simdjson::SUCCESS) return simdjson::SUCCESS;
    for (auto field_result : params) {
      od::field field;
      SIMDJSON_TRY(std::move(field_result).get(field));
      const od::raw_json_string key = field.key();
      if (key == "subscription") {
        if (field.value().get_uint64().get(message_.subscription) != simdjson::SUCCESS) message_.subscription = 0;
      } else if (key == "result") {
        SIMDJSON_TRY(ReadResult(field.value()));
      }
    }
    return simdjson::SUCCESS;
  }

  simdjson::error_code ReadResult(od::value value) {
    od::object result;
    if (value.get_object().get(result) != simdjson::SUCCESS) return simdjson::SUCCESS;
    for (auto field_result : result) {
      od::field field;
      SIMDJSON_TRY(std::move(field_result).get(field));
      const od::raw_json_string key = field.key();
      if (key == "context") {
        SIMDJSON_TRY(ReadContext(field.value()));
      } else if (key == "value") {
        SIMDJSON_TRY(ReadValue(field.value()));
      }
    }
    return simdjson::SUCCESS;
  }

  simdjson::error_code ReadContext(od::value value) {
    od::object context;
    if (value.get_object().get(context) != simdjson::SUCCESS) return simdjson::SUCCESS;
    for (auto field_result : context) {
      od::field field;
      SIMDJSON_TRY(std::move(field_result).get(field));
      if (field.key() == "slot") has_slot_ = field.value().get_uint64().get(message_.slot) == simdjson::SUCCESS;
    }
    return simdjson::SUCCESS;
  }

  simdjson::error_code ReadValue(od::value value) {
    od::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return simdjson::SUCCESS;
    has_notification_ = true;
    for (auto field_result : object) {
      od::field field;
      SIMDJSON_TRY(std::move(field_result).get(field));
      const od::raw_json_string key = field.key();
      if (key == "signature") {
        absl::string_view text;
        SIMDJSON_TRY(ReadText(field.value(), text));
        const std::optional<TransactionId> signature = TransactionId::ParseSolana(text);
        has_signature_ = signature.has_value();
        if (signature) message_.signature = *signature;
      } else if (key == "err") {
        message_.has_error = View(field.value().raw_json_token()).substr(0, 4) != "null";
      } else if (key == "logs") {
        SIMDJSON_TRY(ReadLogs(field.value()));
      }
    }
    return simdjson::SUCCESS;
  }

  simdjson::error_code ReadLogs(od::value value) {
    od::array logs;
    if (has_logs_ || value.get_array().get(logs) != simdjson::SUCCESS) return simdjson::SUCCESS;
    has_logs_ = true;
    static const absl::string_view pump_program = kPumpProgram;
    for (auto line_result : logs) {
      od::value line_value;
      // NOLINTNEXTLINE(performance-move-const-arg): this get() is for rvalues only.
      SIMDJSON_TRY(std::move(line_result).get(line_value));
      absl::string_view line;
      SIMDJSON_TRY(ReadText(line_value, line));
      const DataLine* data = stack_.AddLine(line);
      if (data != nullptr && data->program == pump_program) AddEvent(*data);
    }
    return simdjson::SUCCESS;
  }

  void AddEvent(const DataLine& line) {
    PumpLogEvent& event = message_.events.emplace_back();
    event.ordinal = line.ordinal;
    event.depth = line.depth;
    uint8_t* out = reinterpret_cast<uint8_t*>(scratch_.data()) + scratch_used_;
    const std::optional<size_t> size = DecodeBase64(line.payload, out);
    if (!size) {
      event.event = BadEvent{EventError::kBadEncoding};
      return;
    }
    scratch_used_ += *size;
    event.data = absl::MakeConstSpan(out, *size);
    event.event = DecodePumpEvent(event.data);
  }

  void FinishEvents() {
    message_.truncated = stack_.truncated();
    message_.logs_malformed = stack_.malformed();
    message_.data_line_count = static_cast<uint32_t>(stack_.data_lines().size()) + stack_.lost_data_lines();
    for (PumpLogEvent& event : message_.events) {
      event.outcome = stack_.data_lines()[event.ordinal].outcome;
      event.valid = !message_.has_error && event.outcome == InvocationOutcome::kSucceeded;
    }
  }

  simdjson::error_code ReadError(od::value value) {
    od::object error;
    if (value.get_object().get(error) != simdjson::SUCCESS) return simdjson::SUCCESS;
    has_rpc_error_ = true;
    for (auto field_result : error) {
      od::field field;
      SIMDJSON_TRY(std::move(field_result).get(field));
      const od::raw_json_string key = field.key();
      if (key == "code") {
        if (field.value().get_int64().get(message_.error_code) != simdjson::SUCCESS) message_.error_code = 0;
      } else if (key == "message") {
        SIMDJSON_TRY(ReadText(field.value(), message_.error_message));
      }
    }
    return simdjson::SUCCESS;
  }

  // The text of a JSON string, empty for any other value. Without a backslash the raw bytes between the quotes are the
  // text, which saves copying the 3 KB of a usual message.
  simdjson::error_code ReadText(od::value value, absl::string_view& text) {
    absl::string_view token = View(value.raw_json_token());
    text = {};
    if (token.empty() || token.front() != '"') return simdjson::SUCCESS;
    if (has_escapes_ && std::memchr(token.data(), '\\', token.size()) != nullptr) {
      std::string_view unescaped;
      SIMDJSON_TRY(value.get_string().get(unescaped));
      text = View(unescaped);
      return simdjson::SUCCESS;
    }
    // The token reaches to the next one, so blanks may follow its closing quote.
    while (token.size() > 1 && token.back() != '"') token.remove_suffix(1);
    if (token.size() < 2) return simdjson::STRING_ERROR;
    text = token.substr(1, token.size() - 2);
    return simdjson::SUCCESS;
  }

  const size_t max_message_bytes_;
  od::parser parser_;
  std::string padded_;
  std::string scratch_;
  size_t scratch_used_ = 0;
  InvokeStack stack_;
  LogsMessage message_;
  bool has_escapes_ = false;
  bool has_slot_ = false;
  bool has_signature_ = false;
  bool has_logs_ = false;
  bool has_notification_ = false;
  bool has_result_ = false;
  bool has_rpc_error_ = false;
  bool has_id_ = false;
};

LogsDecoder::LogsDecoder(size_t max_message_bytes) : impl_(std::make_unique<Impl>(max_message_bytes)) {}
LogsDecoder::~LogsDecoder() = default;

const LogsMessage& LogsDecoder::Decode(absl::string_view json) { return impl_->Decode(json); }
const LogsMessage& LogsDecoder::DecodePadded(absl::string_view json) { return impl_->DecodePadded(json); }

}  // namespace tokenwatch::chain

// Writing one JSON object as one line of text.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tokenwatch::common {

// A field's value: text, whole number, floating-point number or truth. Text is referred to, not copied: a LogValue
// lives no longer than the call it is an argument of.
class LogValue {
 public:
  LogValue(absl::string_view value) : value_(value) {}                                // NOLINT(runtime/explicit)
  LogValue(const char* value) : value_(absl::string_view(value)) {}                   // NOLINT(runtime/explicit)
  LogValue(const std::string& value) : value_(absl::string_view(value)) {}            // NOLINT(runtime/explicit)
  LogValue(bool value) : value_(value) {}                                             // NOLINT(runtime/explicit)
  LogValue(std::floating_point auto value) : value_(static_cast<double>(value)) {}    // NOLINT(runtime/explicit)
  LogValue(std::signed_integral auto value) : value_(static_cast<int64_t>(value)) {}  // NOLINT(runtime/explicit)
  LogValue(std::unsigned_integral auto value)                                         // NOLINT(runtime/explicit)
      : value_(static_cast<uint64_t>(value)) {}

  // Appends the value as JSON. What JSON cannot say (NaN, infinity) becomes text.
  void AppendTo(std::string& out) const;

 private:
  std::variant<absl::string_view, bool, int64_t, uint64_t, double> value_;
};

struct LogField {
  absl::string_view key;
  LogValue value;
};

// Texts longer than this many bytes are cut, at a character, and end in "...[N bytes cut]".
inline constexpr size_t kMaxLogTextBytes = 8192;

// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, one for each.
void AppendJsonString(absl::string_view text, std::string& out);

// Appends `time` as an RFC 3339 UTC time with microseconds, without quotes.
void AppendRfc3339(absl::Time time, std::string& out);

}  // namespace tokenwatch::common

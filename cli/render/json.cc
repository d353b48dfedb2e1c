#include "cli/render/json.h"

#include <algorithm>

#include <boost/json.hpp>
#include <google/protobuf/util/json_util.h>
#include <unicode/uchar.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tokenwatch::cli {

std::string EscapeUnsafe(absl::string_view json) {
  if (std::all_of(json.begin(), json.end(), [](char c) { return c >= 0x20 && c < 0x7F; })) {
    return std::string(json.data(), json.size());
  }
  constexpr uint32_t kUnsafe = U_GC_CC_MASK | U_GC_CF_MASK | U_GC_ZL_MASK | U_GC_ZP_MASK;
  std::string out;
  out.reserve(json.size());
  const auto* bytes = reinterpret_cast<const uint8_t*>(json.data());
  const auto length = static_cast<int32_t>(json.size());
  for (int32_t at = 0; at < length;) {
    const int32_t from = at;
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(bytes, at, length, c);
    if ((U_GET_GC_MASK(c) & kUnsafe) == 0) {
      absl::StrAppend(&out, json.substr(from, at - from));
    } else if (U_IS_BMP(c)) {
      absl::StrAppendFormat(&out, "\\u%04x", c);
    } else {
      absl::StrAppendFormat(&out, "\\u%04x\\u%04x", static_cast<unsigned>(U16_LEAD(c)),
                            static_cast<unsigned>(U16_TRAIL(c)));
    }
  }
  return out;
}

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  const google::protobuf::util::Status status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) {
    // A value that JSON cannot say (a time outside the years 1 to 9999): the reader still learns of the message.
    return EscapeUnsafe(boost::json::serialize(
        boost::json::object{{"error", "this message cannot be written as JSON"}, {"message", message.GetTypeName()}}));
  }
  return EscapeUnsafe(json);
}

boost::json::value ToJsonValue(const google::protobuf::Message& message) {
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(ToJson(message), error);
  return error ? boost::json::value(nullptr) : value;
}

std::string JsonLine(const boost::json::value& value) {
  return absl::StrCat(EscapeUnsafe(boost::json::serialize(value)), "\n");
}

}  // namespace tokenwatch::cli

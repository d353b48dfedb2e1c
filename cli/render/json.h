// JSON for programs: one object a line, keys as the API spells them.
#pragma once

#include <string>

#include <boost/json/value.hpp>
#include <google/protobuf/message.h>

#include "absl/strings/string_view.h"

namespace tokenwatch::cli {

// `text` (JSON) with every control or format character outside ASCII as a \u escape: no value is changed, and nothing
// in it can steer a terminal.
std::string EscapeUnsafe(absl::string_view json);

// One line, not ended. Keys are snake_case as in the API; scalars are there even when they are 0; 64-bit integers are
// strings and bytes are base64, as protobuf's JSON mapping has it.
std::string ToJson(const google::protobuf::Message& message);

// The same as a value, to be put into a larger object.
boost::json::value ToJsonValue(const google::protobuf::Message& message);

// One ended line.
std::string JsonLine(const boost::json::value& value);

}  // namespace tokenwatch::cli

// Times, ages and durations as people read them.
#pragma once

#include <string>

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include "absl/time/time.h"

namespace tokenwatch::cli {

// The instant a message carries; the infinite past and future for what lies outside the years 1 to 9999.
absl::Time FromProto(const google::protobuf::Timestamp& timestamp);
absl::Duration FromProto(const google::protobuf::Duration& duration);

// "2026-07-09 12:34:56.789Z".
std::string FormatUtc(absl::Time time);

// "0s", "3s", "2m", "5h", "12d": whole units, rounded down. A time still to come reads "in 3s".
std::string FormatAge(absl::Duration age);

// "0.42ms", "12.3ms", "250ms", "1.23s": three digits.
std::string FormatLatency(absl::Duration latency);

}  // namespace tokenwatch::cli

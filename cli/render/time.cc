#include "cli/render/time.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tokenwatch::cli {
namespace {

// The range that google.protobuf.Timestamp documents: 0001-01-01 to 9999-12-31.
constexpr int64_t kMinSeconds = -62'135'596'800;
constexpr int64_t kMaxSeconds = 253'402'300'799;

std::string ThreeDigits(double value) {
  if (value < 10) return absl::StrFormat("%.2f", value);
  if (value < 100) return absl::StrFormat("%.1f", value);
  return absl::StrFormat("%.0f", value);
}

}  // namespace

absl::Time FromProto(const google::protobuf::Timestamp& timestamp) {
  if (timestamp.seconds() < kMinSeconds) return absl::InfinitePast();
  if (timestamp.seconds() > kMaxSeconds) return absl::InfiniteFuture();
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

std::string FormatUtc(absl::Time time) { return absl::FormatTime("%Y-%m-%d %H:%M:%E3SZ", time, absl::UTCTimeZone()); }

std::string FormatAge(absl::Duration age) {
  if (age < absl::ZeroDuration()) return absl::StrCat("in ", FormatAge(-age));
  if (age < absl::Minutes(1)) return absl::StrCat(age / absl::Seconds(1), "s");
  if (age < absl::Hours(1)) return absl::StrCat(age / absl::Minutes(1), "m");
  if (age < absl::Hours(24)) return absl::StrCat(age / absl::Hours(1), "h");
  return absl::StrCat(age / absl::Hours(24), "d");
}

std::string FormatLatency(absl::Duration latency) {
  const double milliseconds = absl::ToDoubleMilliseconds(latency);
  if (milliseconds < 999.5) return absl::StrCat(ThreeDigits(milliseconds), "ms");
  return absl::StrCat(ThreeDigits(milliseconds / 1000), "s");
}

}  // namespace tokenwatch::cli

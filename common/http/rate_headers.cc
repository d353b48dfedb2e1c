#include "common/http/rate_headers.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace tokenwatch::common {
namespace {

constexpr double kUnixSecondsFrom = 1e8;
constexpr double kUnixMillisecondsFrom = 1e11;

std::optional<double> Number(absl::string_view text) {
  double value = 0;
  if (!absl::SimpleAtod(absl::StripAsciiWhitespace(text), &value) || !std::isfinite(value) || value < 0) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> Count(absl::string_view text) {
  const std::optional<double> value = Number(text);
  if (!value || *value > 1e15) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

// Of "10, 100;w=60", the limit in force and its policies, the first.
absl::string_view FirstItem(absl::string_view text) { return text.substr(0, text.find(',')); }

std::optional<absl::string_view> Parameter(absl::string_view item, absl::string_view name) {
  for (absl::string_view part : absl::StrSplit(item, absl::ByAnyChar(";,"))) {
    part = absl::StripAsciiWhitespace(part);
    if (absl::ConsumePrefix(&part, name) && absl::ConsumePrefix(&part, "=")) return part;
  }
  return std::nullopt;
}

std::optional<absl::string_view> FindAny(const HttpHeaders& headers, absl::string_view field) {
  for (const char* prefix : {"x-ratelimit-", "ratelimit-", "x-rate-limit-"}) {
    if (auto value = headers.Find(absl::StrCat(prefix, std::string(field)))) return value;
  }
  return std::nullopt;
}

std::optional<absl::Time> ResetTime(absl::string_view text, absl::Time now) {
  const std::optional<double> value = Number(FirstItem(text));
  if (!value || *value > 1e15) return std::nullopt;
  if (*value > kUnixMillisecondsFrom) return absl::FromUnixMillis(static_cast<std::int64_t>(*value));
  if (*value > kUnixSecondsFrom) return absl::UnixEpoch() + absl::Seconds(*value);
  return now + absl::Seconds(*value);
}

// RateLimit: "default";r=50;t=30, or the older limit=100, remaining=50, reset=30.
void ReadCombined(absl::string_view text, absl::Time now, RateHeaders& result) {
  for (const char* name : {"r", "remaining"}) {
    if (const auto value = Parameter(text, name)) result.remaining = Count(*value);
  }
  for (const char* name : {"t", "reset"}) {
    if (const auto value = Parameter(text, name)) result.reset_at = ResetTime(*value, now);
  }
  if (const auto value = Parameter(text, "limit")) result.limit = Count(*value);
}

// RateLimit-Policy: "default";q=100;w=60, or the older 100;w=60.
void ReadPolicy(absl::string_view text, RateHeaders& result) {
  // Several windows at once do not fit one sliding window; the remaining count stands for them.
  const absl::string_view item = absl::StripAsciiWhitespace(text);
  if (absl::StrContains(item, ',')) return;
  const auto window = Parameter(item, "w");
  const std::optional<std::int64_t> seconds = window ? Count(*window) : std::nullopt;
  if (!seconds || *seconds == 0) return;
  const auto quota = Parameter(item, "q");
  const std::optional<std::int64_t> limit = Count(quota ? *quota : item.substr(0, item.find(';')));
  if (!limit) return;
  result.limit = limit;
  result.window = absl::Seconds(*seconds);
}

}  // namespace

std::optional<absl::Time> ParseRetryAfter(absl::string_view value, absl::Time now) {
  if (const auto seconds = Number(value)) return now + absl::Seconds(std::min(*seconds, 1e9));
  absl::Time date;
  std::string error;
  // IMF-fixdate; the zone is always written GMT.
  if (absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", absl::StripAsciiWhitespace(value), &date, &error)) return date;
  return std::nullopt;
}

RateHeaders ParseRateHeaders(const HttpHeaders& headers, absl::Time now) {
  RateHeaders result;
  if (const auto combined = headers.Find("ratelimit")) ReadCombined(*combined, now, result);
  if (const auto value = FindAny(headers, "limit")) {
    const absl::string_view item = FirstItem(*value);
    result.limit = Count(item.substr(0, item.find(';')));
    ReadPolicy(*value, result);
  }
  if (const auto value = headers.Find("ratelimit-policy")) ReadPolicy(*value, result);
  if (const auto value = FindAny(headers, "remaining")) result.remaining = Count(FirstItem(*value));
  if (const auto value = FindAny(headers, "reset")) result.reset_at = ResetTime(*value, now);
  // Discord's: always seconds from now, so it needs no guess.
  if (const auto value = FindAny(headers, "reset-after")) {
    if (const auto seconds = Number(*value)) result.reset_at = now + absl::Seconds(std::min(*seconds, 1e9));
  }
  if (const auto value = headers.Find("retry-after")) result.retry_at = ParseRetryAfter(*value, now);
  return result;
}

}  // namespace tokenwatch::common

#include "common/log/json_line.h"

#include <limits>
#include <string>

#include "boost/json.hpp"
#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

std::string Escaped(absl::string_view text) {
  std::string out;
  AppendJsonString(text, out);
  return out;
}

// What a JSON parser (which also checks the UTF-8) reads back.
std::string RoundTrip(absl::string_view text) { return std::string(boost::json::parse(Escaped(text)).as_string()); }

std::string Rendered(const LogValue& value) {
  std::string out;
  value.AppendTo(out);
  return out;
}

TEST(AppendJsonString, KeepsValidText) {
  for (const std::string text : {"", "plain", "quote \" backslash \\ slash /", "tab\tline\nreturn\r", "héllo ✓ 𝄞"}) {
    EXPECT_EQ(RoundTrip(text), text);
  }
}

TEST(AppendJsonString, StaysOnOneLine) { EXPECT_EQ(Escaped("a\nb").find('\n'), std::string::npos); }

TEST(AppendJsonString, EscapesEveryControlCharacter) {
  std::string controls;
  for (int c = 0; c < 0x20; ++c) controls += static_cast<char>(c);
  EXPECT_EQ(RoundTrip(controls), controls);
  EXPECT_EQ(Escaped("\x7F"), "\"\\u007f\"");
}

TEST(AppendJsonString, ReplacesBytesThatAreNotUtf8) {
  const std::string kBad = "\xEF\xBF\xBD";
  EXPECT_EQ(RoundTrip("a\xFFz"), "a" + kBad + "z");
  EXPECT_EQ(RoundTrip("\xC0\xAF"), kBad + kBad);                        // overlong
  EXPECT_EQ(RoundTrip("\xED\xA0\x80"), kBad + kBad + kBad);             // surrogate
  EXPECT_EQ(RoundTrip("\xF4\x90\x80\x80"), kBad + kBad + kBad + kBad);  // beyond U+10FFFF
  EXPECT_EQ(RoundTrip("cut \xE2\x9C"), "cut " + kBad + kBad);           // ends inside a character
}

TEST(AppendJsonString, EveryPairOfBytesParses) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const char text[] = {static_cast<char>(a), static_cast<char>(b)};
      boost::json::error_code error;
      boost::json::parse(Escaped(absl::string_view(text, 2)), error);
      ASSERT_FALSE(error) << a << " " << b;
    }
  }
}

TEST(AppendJsonString, CutsLongTextAtACharacter) {
  const std::string text = std::string(kMaxLogTextBytes - 1, 'x') + "é and more";
  const std::string read = RoundTrip(text);
  EXPECT_EQ(read, std::string(kMaxLogTextBytes - 1, 'x') + "...[11 bytes cut]");
}

TEST(LogValue, RendersEveryKind) {
  EXPECT_EQ(Rendered("text"), "\"text\"");
  EXPECT_EQ(Rendered(std::string("text")), "\"text\"");
  EXPECT_EQ(Rendered(true), "true");
  EXPECT_EQ(Rendered(-5), "-5");
  EXPECT_EQ(Rendered(std::numeric_limits<uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(Rendered(size_t{7}), "7");
  EXPECT_EQ(Rendered(3.25), "3.25");
  EXPECT_EQ(Rendered(std::numeric_limits<double>::quiet_NaN()), "\"NaN\"");
  EXPECT_EQ(Rendered(-std::numeric_limits<double>::infinity()), "\"-Infinity\"");
}

TEST(AppendRfc3339, IsUtcWithMicroseconds) {
  std::string out;
  AppendRfc3339(absl::FromUnixMicros(1'700'000'000'000'042), out);
  EXPECT_EQ(out, "2023-11-14T22:13:20.000042Z");
}

}  // namespace
}  // namespace tokenwatch::common

#include "common/postgres/copy_binary.h"

#include <array>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tokenwatch::common {
namespace {

// The only field of the only row of `rows`.
std::string FieldOf(const CopyBuffer& rows) {
  std::array<absl::string_view, 1> fields;
  EXPECT_TRUE(SplitCopyRow(rows.data(), absl::MakeSpan(fields)));
  return std::string(fields[0]);
}

std::string NumericField(absl::string_view decimal) {
  CopyBuffer rows;
  rows.BeginRow(1);
  rows.Numeric(decimal);
  return FieldOf(rows);
}

std::string Digits(absl::string_view field) {
  std::string decimal;
  return AppendCopyNumeric(field, &decimal) ? decimal : "(none)";
}

TEST(CopyBinaryTest, WritesPostgresqlsOwnFormat) {
  CopyBuffer rows;
  rows.BeginRow(8);
  rows.Text("a\t").Int2(-2).Int4(0x01020304).Int8(-1).Bool(true).Bytes(absl::string_view("\0", 1)).Null().Text("");
  EXPECT_EQ(rows.data(), absl::string_view("\0\x08"
                                           "\0\0\0\x02"
                                           "a\t"
                                           "\0\0\0\x02\xff\xfe"
                                           "\0\0\0\x04\x01\x02\x03\x04"
                                           "\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xff"
                                           "\0\0\0\x01\x01"
                                           "\0\0\0\x01\0"
                                           "\xff\xff\xff\xff"
                                           "\0\0\0\0",
                                           52));
  EXPECT_EQ(rows.rows(), 1);
  rows.Clear();
  EXPECT_EQ(rows.data(), "");
  EXPECT_EQ(rows.rows(), 0);
}

TEST(CopyBinaryTest, NumericsHaveNoZerosAtTheirEnds) {
  EXPECT_EQ(NumericField("0"), std::string("\0\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(NumericField(""), NumericField("0"));
  EXPECT_EQ(NumericField("12340000"), std::string("\0\1\0\1\0\0\0\0\x04\xd2", 10));
  EXPECT_EQ(NumericField("-10002"), std::string("\0\2\0\1\x40\0\0\0\0\1\0\2", 12));
  EXPECT_EQ(NumericField("00010002"), std::string("\0\2\0\1\0\0\0\0\0\1\0\2", 12));
}

TEST(CopyBinaryTest, NumericsComeBack) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 5000; ++round) {
    std::string decimal(1, static_cast<char>('1' + random() % 9));
    for (size_t more = random() % 90; more > 0; --more) {
      // Many zeros, for whole digits of them at the end and in between.
      decimal.push_back(random() % 2 == 0 ? '0' : static_cast<char>('0' + random() % 10));
    }
    if (random() % 4 == 0) decimal.insert(0, "-");
    ASSERT_EQ(Digits(NumericField(decimal)), decimal);

    const uint64_t number = random() >> (random() % 64);
    CopyBuffer rows;
    rows.BeginRow(1);
    rows.Numeric(number);
    ASSERT_EQ(FieldOf(rows), NumericField(std::to_string(number)));
    uint64_t parsed = 0;
    ASSERT_TRUE(ParseCopyNumeric(FieldOf(rows), &parsed));
    ASSERT_EQ(parsed, number);
  }
  uint64_t parsed = 0;
  EXPECT_TRUE(ParseCopyNumeric(NumericField("18446744073709551615"), &parsed));
  EXPECT_EQ(parsed, std::numeric_limits<uint64_t>::max());
  EXPECT_TRUE(ParseCopyNumeric(NumericField("10000000000000000000"), &parsed));
  EXPECT_EQ(parsed, 10'000'000'000'000'000'000U);
  for (const char* bad : {"18446744073709551616", "100000000000000000000", "-1"}) {
    EXPECT_FALSE(ParseCopyNumeric(NumericField(bad), &parsed)) << bad;
  }
}

TEST(CopyBinaryTest, NumericsThatAreNotWholeOrDamagedAreRefused) {
  const std::vector<std::string> bad = {
      "",
      std::string(7, '\0'),
      std::string("\0\1\xff\xff\0\0\0\1\x13\x88", 10),  // 0.5
      std::string("\0\2\0\0\0\0\0\1\0\1\x13\x88", 12),  // 1.5
      std::string("\0\0\0\0\xc0\0\0\0", 8),             // NaN
      std::string("\0\0\0\0\xd0\0\0\0", 8),             // infinity
      std::string("\0\1\0\0\0\0\0\0\x27\x10", 10),      // a digit of 10,000
      std::string("\0\2\0\1\0\0\0\0\0\1", 10),          // a digit short
      std::string("\xff\xff\0\0\0\0\0\0", 8),
  };
  for (size_t i = 0; i < bad.size(); ++i) {
    uint64_t value = 0;
    EXPECT_EQ(Digits(bad[i]), "(none)") << i;
    EXPECT_FALSE(ParseCopyNumeric(bad[i], &value)) << i;
  }
}

TEST(CopyBinaryTest, TimesComeBackToTheMicrosecond) {
  const absl::Time time = absl::FromUnixMicros(1'783'040'400'123'456);
  for (const absl::Time& written : {time, time + absl::Nanoseconds(999), absl::UnixEpoch(), absl::FromUnixMicros(-1)}) {
    CopyBuffer rows;
    rows.BeginRow(1);
    rows.Time(written);
    absl::Time read;
    ASSERT_TRUE(ParseCopyTime(FieldOf(rows), &read));
    EXPECT_EQ(read, absl::FromUnixMicros(absl::ToUnixMicros(written)));
  }
  for (const absl::Time& infinite : {absl::InfinitePast(), absl::InfiniteFuture()}) {
    CopyBuffer rows;
    rows.BeginRow(1);
    rows.Time(infinite);
    absl::Time read;
    EXPECT_FALSE(ParseCopyTime(FieldOf(rows), &read));
  }
}

TEST(CopyBinaryTest, RowsAreSplitExactly) {
  CopyBuffer rows;
  rows.BeginRow(3);
  rows.Text("a").Null().Text("");
  const std::string row(rows.data());
  std::array<absl::string_view, 3> fields;
  ASSERT_TRUE(SplitCopyRow(row, absl::MakeSpan(fields)));
  EXPECT_EQ(fields[0], "a");
  EXPECT_TRUE(IsCopyNull(fields[1]));
  EXPECT_FALSE(IsCopyNull(fields[2]));
  EXPECT_EQ(fields[2], "");
  std::array<absl::string_view, 2> fewer;
  EXPECT_FALSE(SplitCopyRow(row, absl::MakeSpan(fewer)));
  for (size_t size = 0; size < row.size(); ++size) {
    EXPECT_FALSE(SplitCopyRow(row.substr(0, size), absl::MakeSpan(fields))) << size;
  }
  EXPECT_FALSE(SplitCopyRow(row + "x", absl::MakeSpan(fields)));
  std::string negative = row;
  negative[2] = '\x80';
  EXPECT_FALSE(SplitCopyRow(negative, absl::MakeSpan(fields)));
}

TEST(CopyBinaryTest, NumbersOfOtherSizesAreRefused) {
  int64_t number = 0;
  EXPECT_TRUE(ParseCopyInt("\xff\xfe", &number));
  EXPECT_EQ(number, -2);
  EXPECT_TRUE(ParseCopyInt("\xff\xff\xff\xfd", &number));
  EXPECT_EQ(number, -3);
  EXPECT_TRUE(ParseCopyInt(absl::string_view("\x80\0\0\0\0\0\0\0", 8), &number));
  EXPECT_EQ(number, std::numeric_limits<int64_t>::min());
  bool flag = false;
  absl::Time time;
  for (const char* bad : {"", "1", "123", "12345", "123456789"}) {
    EXPECT_FALSE(ParseCopyInt(bad, &number)) << bad;
    EXPECT_FALSE(ParseCopyTime(bad, &time)) << bad;
  }
  EXPECT_TRUE(ParseCopyBool("\1", &flag));
  EXPECT_TRUE(flag);
  EXPECT_FALSE(ParseCopyBool("", &flag));
  EXPECT_FALSE(ParseCopyBool("tt", &flag));
}

}  // namespace
}  // namespace tokenwatch::common

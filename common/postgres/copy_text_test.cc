#include "common/postgres/copy_text.h"

#include <array>
#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace tokenwatch::common {
namespace {

TEST(CopyTextTest, WritesPostgresqlsOwnFormat) {
  CopyBuffer rows;
  rows.Text("a\tb\nc\\d\re\bf\fg\v")
      .Plain("plain")
      .Int(-7)
      .Bool(true)
      .Bytes(std::string("\0\x1f\xff", 3))
      .Null()
      .EndRow();
  rows.Text("").EndRow();
  EXPECT_EQ(rows.data(), "a\\tb\\nc\\\\d\\re\\bf\\fg\\v\tplain\t-7\tt\t\\\\x001fff\t\\N\n\n");
  EXPECT_EQ(rows.rows(), 2);
  rows.Clear();
  rows.Int(std::numeric_limits<int64_t>::min()).EndRow();
  EXPECT_EQ(rows.data(), "-9223372036854775808\n");
  EXPECT_EQ(rows.rows(), 1);
}

TEST(CopyTextTest, SplitsExactly) {
  std::array<absl::string_view, 3> fields;
  EXPECT_TRUE(SplitCopyRow("a\t\t\\N", absl::MakeSpan(fields)));
  EXPECT_EQ(fields[0], "a");
  EXPECT_EQ(fields[1], "");
  EXPECT_TRUE(IsCopyNull(fields[2]));
  EXPECT_FALSE(IsCopyNull(fields[1]));
  EXPECT_FALSE(SplitCopyRow("a\tb", absl::MakeSpan(fields)));
  EXPECT_FALSE(SplitCopyRow("a\tb\tc\td", absl::MakeSpan(fields)));
}

TEST(CopyTextTest, UnescapesAllForms) {
  std::string text;
  UnescapeCopyField("a\\tb\\nc\\\\d\\re\\bf\\fg\\v", &text);
  EXPECT_EQ(text, "a\tb\nc\\d\re\bf\fg\v");
  UnescapeCopyField("\\101\\x42\\q\\0end\\", &text);
  EXPECT_EQ(text, std::string("ABq\0end\\", 8));
}

TEST(CopyTextTest, ParsesBytesAndNumbersStrictly) {
  std::string bytes;
  EXPECT_TRUE(ParseCopyBytes("\\\\x00fFa0", &bytes));
  EXPECT_EQ(bytes, std::string("\0\xff\xa0", 3));
  EXPECT_TRUE(ParseCopyBytes("\\\\x", &bytes));
  EXPECT_EQ(bytes, "");
  for (const char* bad : {"", "00", "\\\\x0", "\\\\x0g", "\\x00"}) EXPECT_FALSE(ParseCopyBytes(bad, &bytes)) << bad;
  int64_t value = 0;
  EXPECT_TRUE(ParseCopyInt("-9223372036854775808", &value));
  EXPECT_EQ(value, std::numeric_limits<int64_t>::min());
  for (const char* bad : {"", "1 ", "1.5", "9223372036854775808", "\\N"})
    EXPECT_FALSE(ParseCopyInt(bad, &value)) << bad;
}

}  // namespace
}  // namespace tokenwatch::common

#include "common/text/safe_text.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tokenwatch::common {
namespace {

struct Case {
  const char* what;
  std::string raw;
  std::string safe;
  bool removed;
};

TEST(SafeText, RemovesWhatHidesReordersOrBreaks) {
  const std::vector<Case> cases = {
      {"plain", "Pepe Coin", "Pepe Coin", false},
      {"empty", "", "", false},
      {"spaces trimmed and collapsed", "  Pepe   Coin ", "Pepe Coin", false},
      {"no-break space", "Pepe\u00A0Coin", "Pepe Coin", false},
      {"line break", "Pepe\nCoin", "Pepe Coin", true},
      {"line separator", "Pepe\u2028Coin", "Pepe Coin", true},
      {"NUL", std::string("Pe\0pe", 5), "Pepe", true},
      {"escape sequence", "\x1b[31mred", "[31mred", true},
      {"right-to-left override", "\u202EepeP", "epeP", true},
      {"isolates", "\u2066a\u2069b", "ab", true},
      {"left-to-right mark", "a\u200Eb", "ab", true},
      {"Arabic letter mark", "a\u061Cb", "ab", true},
      {"zero-width space", "US\u200BDC", "USDC", true},
      {"zero-width joiner", "US\u200DDC", "USDC", true},
      {"byte order mark", "\uFEFFUSDC", "USDC", true},
      {"soft hyphen", "US\u00ADDC", "USDC", true},
      {"word joiner", "US\u2060DC", "USDC", true},
      {"Hangul filler", "\u3164\u3164", "", true},
      {"grapheme joiner", "a\u034Fb", "ab", true},
      {"braille blank", "\u2800\u2800", "", true},
      {"private use", "a\uE000b", "ab", true},
      {"unassigned", "a\u0378b", "ab", true},
      {"noncharacter", "a\uFFFFb", "ab", true},
      {"tag characters", "a\U000E0041b", "ab", true},
      {"lone continuation", "a\x80z", "az", true},
      {"truncated sequence", "abc\xE2\x82", "abc", true},
      {"overlong", "a\xC0\xAFz", "az", true},
      {"encoded surrogate", "a\xED\xA0\x80z", "az", true},
      {"beyond Unicode", "a\xF5\x80\x80\x80z", "az", true},
      {"variation selector on a letter", "U\uFE0FSDC", "USDC", true},
      {"mark without base", "\u0301abc", "abc", true},
      {"accent", "Cafe\u0301", "Cafe\u0301", false},
      {"emoji with style", "\u2764\uFE0F love", "\u2764\uFE0F love", false},
      {"other scripts", "狗狗币 Собака كلب", "狗狗币 Собака كلب", false},
  };
  for (const Case& c : cases) {
    const SafeTextResult result = SafeText(c.raw);
    EXPECT_EQ(result.text, c.safe) << c.what;
    EXPECT_EQ(result.removed, c.removed) << c.what;
    EXPECT_EQ(SafeText(result.text).text, result.text) << c.what;
    EXPECT_FALSE(SafeText(result.text).removed) << c.what;
  }
}

TEST(SafeText, CutsTowersOfMarks) {
  std::string tower = "Z";
  for (int i = 0; i < 500; ++i) tower += "\u0335";
  const SafeTextResult result = SafeText(tower + "algo");
  EXPECT_TRUE(result.removed);
  EXPECT_EQ(result.text, "Z\u0335\u0335\u0335\u0335algo");
}

TEST(SafeText, CutsBetweenGraphemes) {
  const SafeTextLimits limits{.max_bytes = 10, .max_graphemes = 4};
  EXPECT_EQ(SafeText("abcdefgh", limits).text, "abcd");
  EXPECT_TRUE(SafeText("abcdefgh", limits).removed);
  // The fourth grapheme has two code points and still fits; half of it must never appear.
  EXPECT_EQ(SafeText("abce\u0301fgh", limits).text, "abce\u0301");
  // Three times four bytes exceed ten: the third character does not fit.
  EXPECT_EQ(SafeText("\U0001F600\U0001F600\U0001F600", limits).text, "\U0001F600\U0001F600");
  EXPECT_EQ(SafeText("abc defg", limits).text, "abc");
  EXPECT_FALSE(SafeText("abce\u0301", limits).removed);
}

TEST(SafeText, AnyBytesGiveAStableBoundedResult) {
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    std::string raw(random() % 300, '\0');
    for (char& c : raw) c = static_cast<char>(random());
    const SafeTextResult once = SafeText(raw);
    ASSERT_LE(once.text.size(), SafeTextLimits{}.max_bytes);
    const SafeTextResult twice = SafeText(once.text);
    ASSERT_EQ(once.text, twice.text);
    ASSERT_FALSE(twice.removed);
  }
}

TEST(IsRealName, TellsNamesFromPlaceholders) {
  for (const char* name : {"Pepe", "1", "$$$", "\U0001F600", "狗", "Unknown Pleasures", "C++", "\u2764\uFE0F"}) {
    EXPECT_TRUE(IsRealName(name)) << name;
  }
  for (const char* name :
       {"", " ", "-", "...", "???", "Unknown", "UNNAMED", "null", "N/A", "(unnamed 4k3Dyjzv)", "\u2800"}) {
    EXPECT_FALSE(IsRealName(name)) << name;
  }
}

}  // namespace
}  // namespace tokenwatch::common

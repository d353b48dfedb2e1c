#include <string>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/render/amount.h"
#include "cli/render/json.h"
#include "cli/render/table.h"
#include "cli/render/text.h"
#include "cli/render/time.h"

namespace tokenwatch::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(SanitizeTextTest, ReplacesWhatCouldSteerATerminalOrHide) {
  EXPECT_EQ(SanitizeText("plain Name 1"), "plain Name 1");
  EXPECT_EQ(SanitizeText("a\x1b[31mb\nc\td"), "a\uFFFD[31mb\uFFFDc\uFFFDd");
  EXPECT_EQ(SanitizeText("\u009b31m"), "\uFFFD31m");                        // C1: CSI in one character.
  EXPECT_EQ(SanitizeText("\u202Eexe.gpj\u202C"), "\uFFFDexe.gpj\uFFFD");    // Right-to-left override.
  EXPECT_EQ(SanitizeText("US\u200BDC\u2066x"), "US\uFFFDDC\uFFFDx");        // Zero width, isolate.
  EXPECT_EQ(SanitizeText("a\u2028b\uE000\uFEFF"), "a\uFFFDb\uFFFD\uFFFD");  // Line separator, private, BOM.
  EXPECT_EQ(SanitizeText("\u3164\u115F"), "\uFFFD\uFFFD");                  // Fillers that show as nothing.
  EXPECT_EQ(SanitizeText("ok\xff\xc0\x80"), "ok\uFFFD\uFFFD\uFFFD");        // Not UTF-8.
  EXPECT_EQ(SanitizeText("e\u0301\u0301\u0301\u0301\u0301\u0301x"), "e\u0301\u0301\u0301\u0301x");
}

TEST(SanitizeTextTest, KeepsEmojiWholeAndIsAFixedPoint) {
  const std::string family = "\U0001F468\u200D\U0001F469\u200D\U0001F467";
  EXPECT_EQ(SanitizeText(family), family);
  EXPECT_EQ(SanitizeText("\u2764\uFE0F"), "\u2764\uFE0F");
  EXPECT_EQ(SanitizeText("a\u200Db\uFE0F"), "a\uFFFDb\uFFFD");
  for (const std::string hostile : {"\x1b]0;x\x07", "\u202E\u200D\U0001F468", "\xf0\x9f", "\u200D\u200D\uFE0F\uFE0F"}) {
    const std::string once = SanitizeText(hostile);
    EXPECT_EQ(SanitizeText(once), once);
  }
}

TEST(DisplayWidthTest, CountsColumns) {
  EXPECT_EQ(DisplayWidth(""), 0);
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("柴犬"), 4);
  EXPECT_EQ(DisplayWidth("ｆｗ"), 4);
  EXPECT_EQ(DisplayWidth("e\u0301a"), 2);
  EXPECT_EQ(DisplayWidth("한국"), 4);
  EXPECT_EQ(DisplayWidth("\U0001F680"), 2);
  EXPECT_EQ(DisplayWidth("\u2764\uFE0F"), 2);
  EXPECT_EQ(DisplayWidth("\U0001F468\u200D\U0001F469\u200D\U0001F467"), 2);
  EXPECT_EQ(DisplayWidth("\U0001F1E9\U0001F1EA"), 2);  // A flag.
}

TEST(ShortenTest, CutsBetweenCharacters) {
  EXPECT_EQ(ShortenMiddle("abcdefghij", 10), "abcdefghij");
  EXPECT_EQ(ShortenMiddle("abcdefghij", 7), "abc…hij");
  EXPECT_EQ(ShortenMiddle("abcdefghij", 6), "abc…ij");
  EXPECT_EQ(ShortenEnd("abcdefghij", 4), "abc…");
  EXPECT_EQ(ShortenEnd("柴犬柴犬", 6), "柴犬…");
  EXPECT_EQ(ShortenEnd("柴犬柴犬", 4), "柴…");  // Half of a character does not fit.
  EXPECT_EQ(ShortenEnd("e\u0301e\u0301e\u0301", 2), "e\u0301…");
  EXPECT_EQ(ShortenEnd("abc", 0), "");
}

std::vector<Column> ThreeColumns() {
  return {{.title = "TOKEN", .shrink = Shrink::kMiddle},
          {.title = "NAME", .shrink = Shrink::kEnd},
          {.title = "N", .align = Align::kRight, .drop_order = 1}};
}

TEST(TableTest, AlignsByDisplayWidth) {
  Table table(ThreeColumns(), Terminal());
  table.AddRow({"solana:abc", "柴犬", "7"});
  table.AddRow({"base:0x1", "e\u0301tude", "1234"});
  table.AddRow({"x", "", "-1"});
  EXPECT_EQ(table.TakeText(),
            "TOKEN       NAME      N\n"
            "solana:abc  柴犬      7\n"
            "base:0x1    e\u0301tude  1234\n"
            "x           -        -1\n");
  EXPECT_EQ(table.TakeText(), "");
}

TEST(TableTest, WithoutRowsPrintsNothing) { EXPECT_EQ(Table(ThreeColumns(), Terminal()).TakeText(), ""); }

TEST(TableTest, ShortensThenDropsOnlyWhereThereIsAWidth) {
  const std::string address = "solana:9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump";
  const auto text = [&](int width) {
    Table table(ThreeColumns(), {.is_terminal = true, .colour = false, .width = width});
    table.AddRow({address, "A rather long name", "1234"});
    return table.TakeText();
  };
  EXPECT_THAT(text(0), HasSubstr(address));
  EXPECT_THAT(text(100), HasSubstr(address));
  EXPECT_EQ(text(42),
            "TOKEN              NAME                  N\n"
            "solana:9…dQbgpump  A rather long na…  1234\n");
  EXPECT_EQ(text(21),
            "TOKEN        NAME\n"
            "solan…gpump  A rathe…\n");
}

TEST(TableTest, KeepsItsColumnsOverBatches) {
  Table table({{.title = "ID", .min_width = 4}, {.title = "X"}}, Terminal());
  table.AddRow({"1", "a"});
  EXPECT_EQ(table.TakeText(), "ID    X\n1     a\n");
  table.AddRow({"22", "b"});
  EXPECT_EQ(table.TakeText(), "22    b\n");
}

TEST(TableTest, ColoursOnlyWhenTold) {
  for (const bool colour : {false, true}) {
    Table table({{.title = "A"}}, {.is_terminal = true, .colour = colour, .width = 80});
    table.AddRow({Cell("x", Style::kGood)});
    EXPECT_EQ(table.TakeText(), colour ? "\x1b[1mA\x1b[0m\n\x1b[32mx\x1b[0m\n" : "A\nx\n");
  }
}

TEST(TableTest, HostileCellsStayOnTheirLine) {
  Table table({{.title = "A"}, {.title = "B"}}, Terminal());
  table.AddRow({"x\ny\x1b[2J", "\u202Ez"});
  EXPECT_EQ(table.TakeText(), "A        B\nx\uFFFDy\uFFFD[2J  \uFFFDz\n");
}

TEST(LabelledLinesTest, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(LabelledLines({{"name", "Pepe"}, {"uri", ""}, {"a longer one", "x\ny"}}, Terminal()),
            "name          Pepe\na longer one  x\uFFFDy\n");
}

TEST(AmountTest, MovesDigitsExactly) {
  EXPECT_EQ(FormatAmount("1234567", 6), "1.234567");
  EXPECT_EQ(FormatAmount("1000000", 6), "1");
  EXPECT_EQ(FormatAmount("1", 18), "0.000000000000000001");
  EXPECT_EQ(FormatAmount("0", 9), "0");
  EXPECT_EQ(FormatAmount("007", 0), "7");
  // 2^256 - 1: no double could.
  EXPECT_EQ(FormatAmount("115792089237316195423570985008687907853269984665640564039457584007913129639935", 18),
            "115792089237316195423570985008687907853269984665640564039457.584007913129639935");
  EXPECT_EQ(FormatAmount("12", std::nullopt), "12 units");
  EXPECT_EQ(FormatAmount("12", 4'000'000'000U), "12 units");
  EXPECT_EQ(FormatAmount("", 6), "");
  EXPECT_EQ(FormatAmount("-5", 6), "-5");
}

TEST(AmountTest, KnowsTheQuoteAssets) {
  EXPECT_EQ(KnownQuoteAsset("solana", "So11111111111111111111111111111111111111112")->decimals, 9U);
  EXPECT_EQ(KnownQuoteAsset("solana", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")->symbol, "USDC");
  EXPECT_FALSE(KnownQuoteAsset("base", "So11111111111111111111111111111111111111112").has_value());
}

TEST(TimeTest, IsUtcWithMilliseconds) {
  EXPECT_EQ(FormatUtc(absl::FromUnixMillis(1'783'600'496'789)), "2026-07-09 12:34:56.789Z");
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(INT64_MAX);
  EXPECT_EQ(FromProto(timestamp), absl::InfiniteFuture());
}

TEST(TimeTest, AgesAndLatenciesAreShort) {
  EXPECT_EQ(FormatAge(absl::Milliseconds(999)), "0s");
  EXPECT_EQ(FormatAge(absl::Seconds(3)), "3s");
  EXPECT_EQ(FormatAge(absl::Seconds(125)), "2m");
  EXPECT_EQ(FormatAge(absl::Hours(5)), "5h");
  EXPECT_EQ(FormatAge(absl::Hours(24 * 12)), "12d");
  EXPECT_EQ(FormatAge(-absl::Seconds(3)), "in 3s");
  EXPECT_EQ(FormatLatency(absl::Microseconds(420)), "0.42ms");
  EXPECT_EQ(FormatLatency(absl::Microseconds(12340)), "12.3ms");
  EXPECT_EQ(FormatLatency(absl::Milliseconds(250)), "250ms");
  EXPECT_EQ(FormatLatency(absl::Milliseconds(1230)), "1.23s");
}

TEST(JsonTest, EscapesWhatCouldSteerATerminalAndChangesNoValue) {
  const boost::json::object object = {{"name", "a\u202Eb\u2066c\u009b\U000E0041 柴犬 \U0001F680\n"}};
  const std::string line = JsonLine(object);
  EXPECT_THAT(line, HasSubstr("a\\u202eb\\u2066c\\u009b\\udb40\\udc41 柴犬 \U0001F680\\n"));
  EXPECT_EQ(boost::json::parse(line), boost::json::value(object));
  EXPECT_THAT(line, Not(HasSubstr("\u202E")));
}

}  // namespace
}  // namespace tokenwatch::cli

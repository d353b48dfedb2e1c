#include "common/recording/recording_file.h"

#include <fstream>

#include <gtest/gtest.h>
#include <zlib.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/testing/temp_dir.h"

namespace tokenwatch::common {
namespace {

class RecordingFileTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, absl::string_view bytes) {
    const std::string path = dir_.path() / name;
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path;
  }
  std::string WriteGzip(const std::string& name, const std::string& text) {
    const std::string path = dir_.path() / name;
    gzFile file = gzopen(path.c_str(), "wb");
    EXPECT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())), static_cast<int>(text.size()));
    gzclose(file);
    return path;
  }
  // The lines, and how reading ended.
  static std::vector<std::string> Read(const std::string& path, absl::Status* end) {
    std::vector<std::string> lines;
    auto reader = RecordingReader::Open(path);
    EXPECT_TRUE(reader.ok()) << reader.status();
    while (true) {
      const auto line = (*reader)->NextLine();
      if (!line.ok()) {
        *end = line.status();
        EXPECT_EQ((*reader)->lines(), lines.size());
        return lines;
      }
      lines.emplace_back(*line);
    }
  }
  static std::string Identity(const std::string& path) { return (*RecordingReader::Open(path))->identity(); }

  TempDir dir_;
  absl::Status end_;
};

// 4,000 lines that do not compress to nothing.
std::string ManyLines() {
  std::string text;
  uint32_t state = 1;
  for (int i = 0; i < 4000; ++i) {
    absl::StrAppend(&text, "{\"line\":", i, ",\"noise\":\"");
    for (int j = 0; j < 10; ++j) absl::StrAppend(&text, state = state * 1664525 + 1013904223);
    text.append("\"}\n");
  }
  return text;
}

TEST_F(RecordingFileTest, PlainAndGzipReadTheSame) {
  const std::string text = ManyLines();
  const auto plain = Read(Write("plain", text), &end_);
  EXPECT_TRUE(absl::IsOutOfRange(end_)) << end_;
  EXPECT_EQ(plain.size(), 4000u);
  EXPECT_TRUE(absl::StartsWith(plain[3999], "{\"line\":3999,"));
  EXPECT_EQ(Read(WriteGzip("zipped", text), &end_), plain);
  EXPECT_TRUE(absl::IsOutOfRange(end_)) << end_;
}

TEST_F(RecordingFileTest, EmptyFilesEmptyLinesAndALastLineWithoutNewline) {
  EXPECT_TRUE(Read(Write("empty", ""), &end_).empty());
  EXPECT_TRUE(absl::IsOutOfRange(end_));
  EXPECT_EQ(Read(Write("lines", "a\n\nb"), &end_), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_TRUE(absl::IsOutOfRange(end_));
}

TEST_F(RecordingFileTest, ACutGzipIsDataLossAfterTheWholeLines) {
  const std::string text = ManyLines();
  const std::string whole = WriteGzip("whole", text);
  std::string bytes(std::filesystem::file_size(whole), '\0');
  std::ifstream(whole, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  const auto all = Read(whole, &end_);
  const auto lines = Read(Write("cut", absl::string_view(bytes).substr(0, bytes.size() * 2 / 3)), &end_);
  EXPECT_TRUE(absl::IsDataLoss(end_)) << end_;
  EXPECT_TRUE(absl::StrContains(end_.message(), "cut after line")) << end_;
  EXPECT_GT(lines.size(), 1000u);
  ASSERT_LT(lines.size(), all.size());
  EXPECT_TRUE(std::equal(lines.begin(), lines.end(), all.begin())) << "no half line is handed out";
  // A byte that changed in the middle.
  std::string damaged = bytes;
  damaged[damaged.size() / 2] = static_cast<char>(~damaged[damaged.size() / 2]);
  Read(Write("damaged", damaged), &end_);
  EXPECT_TRUE(absl::IsDataLoss(end_)) << end_;
}

TEST_F(RecordingFileTest, ALineThatIsTooLongIsCutAndTheNextIsWhole) {
  std::string text(RecordingReader::kMaxLineBytes + 10, 'x');
  text += "\nnext\n";
  const auto lines = Read(Write("long", text), &end_);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].size(), RecordingReader::kMaxLineBytes);
  EXPECT_EQ(lines[1], "next");
}

TEST_F(RecordingFileTest, TheIdentityIsOfTheContentAndNotOfTheName) {
  const std::string a = Write("a", "one\n");
  EXPECT_EQ(Identity(a), Identity(Write("b", "one\n")));
  EXPECT_NE(Identity(a), Identity(Write("c", "one\ntwo\n")));
  EXPECT_NE(Identity(a), Identity(Write("d", "two\n")));
  EXPECT_EQ(Identity(a).size(), 32u);
}

TEST_F(RecordingFileTest, AFileThatCannotBeOpenedIsNamed) {
  const auto missing = RecordingReader::Open(dir_.path() / "missing");
  EXPECT_TRUE(absl::IsNotFound(missing.status()));
  EXPECT_TRUE(absl::StrContains(missing.status().message(), (dir_.path() / "missing").string()));
  EXPECT_FALSE(RecordingReader::Open(dir_.path()).ok()) << "a folder is no recording";
}

TEST(RecordedFrameTest, BothFormsOfLines) {
  RecordedFrameParser parser;
  auto frame = parser.Parse(R"({"t":1783165101.632449,"feed":"chain_a","raw":"{\"a\":1}"})");
  ASSERT_TRUE(frame.ok()) << frame.status();
  EXPECT_EQ(frame->received_at, absl::FromUnixMicros(1'783'165'101'632'449));
  EXPECT_EQ(frame->feed, "chain_a");
  EXPECT_EQ(frame->raw, "{\"a\":1}");
  frame = parser.Parse(R"({"t_wall": 5, "extra": [1, {}], "raw": "x"})");
  ASSERT_TRUE(frame.ok()) << frame.status();
  EXPECT_EQ(frame->received_at, absl::FromUnixSeconds(5));
  EXPECT_EQ(frame->feed, "");
}

TEST(RecordedFrameTest, LinesThatAreNone) {
  RecordedFrameParser parser;
  for (const char* line : {"", "x", "[]", "{}", R"({"t":1})", R"({"raw":"x"})", R"({"t":"1","raw":"x"})",
                           R"({"t":1,"raw":5})", R"({"t":1e12,"raw":"x"})", R"({"t":1,"raw":"x")",
                           R"({"t":1,"feed":3,"raw":"x"})", "{\"t\":1,\"raw\":\"\xff\"}"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(parser.Parse(line).status())) << line;
  }
}

TEST(RecordedFrameTest, WhatIsAppendedIsReadBack) {
  std::string every;
  for (int byte = 0; byte < 128; ++byte) every.push_back(static_cast<char>(byte));
  RecordedFrameParser parser;
  for (const std::string& raw :
       {std::string(), every, std::string("\"\\\n\r\t"), std::string("\u202e\u2028狗\U0001F600"),
        std::string(100'000, '\\'), std::string("{\"a\":\"\\u0000\"}")}) {
    std::string line;
    const absl::Time at = absl::FromUnixMicros(1'783'165'101'000'001);
    AppendRecordedFrame({at, "feed_b", raw}, line);
    EXPECT_EQ(line.find('\n'), line.size() - 1) << "one line, whatever is in it";
    const auto frame = parser.Parse(absl::string_view(line).substr(0, line.size() - 1));
    ASSERT_TRUE(frame.ok()) << frame.status();
    EXPECT_EQ(frame->received_at, at);
    EXPECT_EQ(frame->feed, "feed_b");
    EXPECT_EQ(std::string(frame->raw), raw);
  }
}

}  // namespace
}  // namespace tokenwatch::common

#include "detector/feeds/frame_recorder.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "common/recording/recording_file.h"
#include "common/testing/temp_dir.h"
#include "detector/samples_for_test.h"

namespace tokenwatch::detector {
namespace {

std::vector<std::string> RawFrames(const std::string& path) {
  std::vector<std::string> frames;
  common::RecordedFrameParser parser;
  auto reader = common::RecordingReader::Open(path);
  EXPECT_TRUE(reader.ok()) << reader.status();
  while (true) {
    const auto line = (*reader)->NextLine();
    if (!line.ok()) {
      EXPECT_TRUE(absl::IsOutOfRange(line.status())) << line.status();
      return frames;
    }
    const auto frame = parser.Parse(*line);
    EXPECT_TRUE(frame.ok()) << frame.status();
    frames.emplace_back(frame->raw);
  }
}

TEST(FrameRecorderTest, RecordsAreReadBackAndEachRunHasAFileOfItsOwn) {
  common::TempDir dir;
  const std::string path = dir.path() / "frames.gz";
  {
    auto recorder = FrameRecorder::Open(path);
    ASSERT_TRUE(recorder.ok()) << recorder.status();
    (*recorder)->Record("solana", SampleTime(0), R"({"a":"x"})");
    (*recorder)->Record("pumpportal", SampleTime(1), "\n");
    EXPECT_TRUE((*recorder)->status().ok());
  }
  {
    auto recorder = FrameRecorder::Open(path);
    ASSERT_TRUE(recorder.ok()) << recorder.status();
    (*recorder)->Record("solana", SampleTime(2), "third");
  }
  EXPECT_EQ(RawFrames(path), (std::vector<std::string>{R"({"a":"x"})", "\n"}));
  EXPECT_EQ(RawFrames(path + ".1"), std::vector<std::string>{"third"});
}

TEST(FrameRecorderTest, WhatWasFlushedSurvivesADeath) {
  common::TempDir dir;
  const std::string path = dir.path() / "frames.gz";
  auto recorder = FrameRecorder::Open(path);
  ASSERT_TRUE(recorder.ok());
  (*recorder)->Record("solana", SampleTime(0), "first");
  (*recorder)->Record("solana", SampleTime(10), "second");
  // As the file is when the process dies now.
  const std::string copy = dir.path() / "copy.gz";
  std::filesystem::copy_file(path, copy);
  auto reader = common::RecordingReader::Open(copy);
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE((*reader)->NextLine().ok());
  EXPECT_TRUE((*reader)->NextLine().ok());
  EXPECT_TRUE(absl::IsDataLoss((*reader)->NextLine().status()));
}

TEST(FrameRecorderTest, AFileThatCannotBeWrittenIsNamed) {
  common::TempDir dir;
  const auto missing = FrameRecorder::Open(dir.path() / "no" / "folder.gz");
  EXPECT_TRUE(absl::IsNotFound(missing.status())) << missing.status();
}

TEST(FrameRecorderTest, AFullDiskEndsTheRecordingAndSaysSo) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  auto recorder = FrameRecorder::Open("/dev/full");
  ASSERT_TRUE(recorder.ok()) << recorder.status();
  for (int i = 0; i < 10; ++i) (*recorder)->Record("solana", SampleTime(10 * i), "frame");
  EXPECT_TRUE(absl::IsResourceExhausted((*recorder)->status()));
}

}  // namespace
}  // namespace tokenwatch::detector

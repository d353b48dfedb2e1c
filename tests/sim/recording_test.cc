// The recording's lines and files, and the truth document, as others will read them.
#include "tests/sim/recording.h"

#include <fstream>
#include <sstream>
#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/sim/truth_json.h"

namespace tokenwatch::sim {
namespace {

class RecordingTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "sim_recording_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    for (const char* name : {"/a.jsonl", "/a.jsonl.gz"}) unlink((folder_ + name).c_str());
    rmdir(folder_.c_str());
  }

  std::string folder_;
};

std::string ReadGzip(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  std::string text;
  char chunk[4096];
  for (int size; file != nullptr && (size = gzread(file, chunk, sizeof(chunk))) > 0;) {
    text.append(chunk, static_cast<size_t>(size));
  }
  if (file != nullptr) gzclose(file);
  return text;
}

std::string Lines(const Options& options) {
  Simulator simulator(options);
  std::string text;
  for (Frame frame; simulator.Next(&frame);) AppendRecordingLine(frame, &text);
  return text;
}

TEST_F(RecordingTest, ALineIsJsonWithSecondsFeedAndRawText) {
  std::string line;
  const std::string raw("{\"name\":\"a\\n\"}\0\x1f\t\xc3\xa9 end", 23);
  AppendRecordingLine({1'783'165'101'000'042, Feed::kPumpPortal, raw}, &line);
  EXPECT_EQ(line.substr(0, 52), "{\"t\": 1783165101.000042, \"feed\": \"pumpportal\", \"raw\"");
  EXPECT_EQ(line.back(), '\n');
  const boost::json::value parsed = boost::json::parse(line);
  EXPECT_EQ(std::string(parsed.at("raw").as_string()), raw);
}

TEST_F(RecordingTest, EscapesWhereverTheyStand) {
  for (size_t position = 0; position < 20; ++position) {
    for (const char letter : {'"', '\\', '\x01', '\x1f', '\x7f', '\n'}) {
      std::string raw(20, '\xc3');
      for (size_t i = 1; i < raw.size(); i += 2) raw[i] = '\xa9';
      raw.insert(position / 2 * 2, 1, letter);
      std::string line;
      AppendRecordingLine({1, Feed::kSolana, raw}, &line);
      EXPECT_EQ(std::string(boost::json::parse(line).at("raw").as_string()), raw);
    }
  }
}

TEST_F(RecordingTest, PlainAndGzipHoldTheSameLines) {
  Options options;
  options.launches = 5;
  options.trades = 1'000;
  const std::string expected = Lines(options);
  for (const std::string name : {"/a.jsonl", "/a.jsonl.gz"}) {
    auto writer = RecordingWriter::Open(folder_ + name);
    ASSERT_TRUE(writer.ok()) << writer.status();
    Simulator simulator(options);
    for (Frame frame; simulator.Next(&frame);) ASSERT_TRUE((*writer)->Write(frame).ok());
    ASSERT_TRUE((*writer)->Close().ok());
  }
  std::ifstream plain(folder_ + "/a.jsonl", std::ios::binary);
  std::stringstream text;
  text << plain.rdbuf();
  EXPECT_TRUE(text.str() == expected);
  EXPECT_TRUE(ReadGzip(folder_ + "/a.jsonl.gz") == expected);
}

TEST_F(RecordingTest, AFolderThatIsNotThereIsNamed) {
  const auto writer = RecordingWriter::Open(folder_ + "/no/such.jsonl");
  ASSERT_FALSE(writer.ok());
  EXPECT_NE(writer.status().message().find("/no/such.jsonl"), absl::string_view::npos);
}

TEST_F(RecordingTest, TruthIsJsonWithAllTokensAndTheWalletsThatTraded) {
  Options options;
  options.launches = 50;
  options.trades = 500;
  options.hostile_name_ppm = 500'000;
  Simulator simulator(options);
  for (Frame frame; simulator.Next(&frame);) {
  }
  std::string text;
  WriteTruthJson(simulator, true, [&](absl::string_view piece) { text.append(piece.data(), piece.size()); });
  const boost::json::value truth = boost::json::parse(text);
  EXPECT_EQ(truth.at("totals").at("trades").as_int64(), 500);
  EXPECT_EQ(truth.at("solana").at("launches").as_int64(), 50);
  EXPECT_EQ(truth.at("pumpportal").at("frames").as_int64(), 0);
  ASSERT_EQ(truth.at("tokens").as_array().size(), 50u);
  const auto& first = truth.at("tokens").as_array()[0];
  EXPECT_EQ(std::string(first.at("name").as_string()), simulator.market().tokens()[0].texts.name);
  uint64_t wallet_trades = 0;
  for (const auto& wallet : truth.at("wallets").as_array()) {
    wallet_trades += static_cast<uint64_t>(wallet.at("trades").as_int64());
  }
  EXPECT_EQ(wallet_trades + static_cast<uint64_t>(truth.at("totals").at("agent_trades").as_int64()), 500u);
}

}  // namespace
}  // namespace tokenwatch::sim

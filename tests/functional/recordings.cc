#include "tests/functional/recordings.h"

#include <fstream>

#include <gtest/gtest.h>
#include <zlib.h>

#include "absl/strings/match.h"
#include "tests/functional/harness.h"
#include "tests/sim/recording.h"

namespace tokenwatch::functional {

Session Simulate(const sim::Options& options) {
  const absl::Status valid = options.Validate();
  EXPECT_TRUE(valid.ok()) << valid;
  Session session;
  sim::Simulator simulator(options);
  for (sim::Frame frame; simulator.Next(&frame);) {
    std::string& line = session.lines.emplace_back();
    sim::AppendRecordingLine(frame, &line);
    line.pop_back();
  }
  session.truth = simulator.truth();
  return session;
}

std::string WriteRecording(const std::filesystem::path& path, const std::vector<std::string>& lines) {
  if (absl::EndsWith(path.string(), ".gz")) {
    const gzFile file = gzopen(path.c_str(), "wb1");
    EXPECT_NE(file, nullptr) << path;
    for (const std::string& line : lines) {
      gzwrite(file, line.data(), static_cast<unsigned>(line.size()));
      gzputc(file, '\n');
    }
    EXPECT_EQ(gzclose(file), Z_OK) << path;
    return path;
  }
  std::ofstream file(path, std::ios::binary);
  for (const std::string& line : lines) file << line << '\n';
  file.close();
  EXPECT_TRUE(file) << path;
  return path;
}

std::string PumpPortalSession() { return SourcePath("tests/fixtures/pumpportal/pumpportal_session_part1.jsonl"); }
std::string ProgramLogs() { return SourcePath("tests/fixtures/solana_rpc/logs_subscribe_pumpfun_a.jsonl"); }

}  // namespace tokenwatch::functional

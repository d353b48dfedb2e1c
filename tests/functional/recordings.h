// Recordings for tests: simulated sessions with their truth, and the recorded fixtures.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/sim/options.h"
#include "tests/sim/simulator.h"

namespace tokenwatch::functional {

// Frames of a simulation, and what really happened.
struct Session {
  std::vector<std::string> lines;  // of a recording, without line ends
  sim::Truth truth;
};

Session Simulate(const sim::Options& options);

// Writes lines as a recording, gzip when the name ends in ".gz". Returns the path.
std::string WriteRecording(const std::filesystem::path& path, const std::vector<std::string>& lines);

// Recorded sessions in tests/fixtures.
std::string PumpPortalSession();
std::string ProgramLogs();

}  // namespace tokenwatch::functional

// tokenwatch-fake-upstreams: what a Solana node, DexScreener and an IPFS gateway would say about the tokens of a
// simulated market, on loopback, until SIGTERM.
#include <csignal>
#include <cstdio>
#include <string>

#include <unistd.h>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/fakes/simulated_upstreams.h"

ABSL_FLAG(std::string, truth, "", "truth file of tokenwatch-sim; without one nobody knows any token");
ABSL_FLAG(absl::Duration, latency, absl::Milliseconds(50), "time before each answer");
ABSL_FLAG(std::string, port_file, "",
          "file to write the bound ports to, as {\"solana\":1,\"dexscreener\":2,\"ipfs\":3}");

namespace {

constexpr int kExitUsage = 64;
constexpr int kExitInput = 66;
constexpr int kExitOutput = 74;

int Fail(int code, absl::string_view message) {
  std::fprintf(stderr, "tokenwatch-fake-upstreams: %s\n", std::string(message).c_str());
  return code;
}

// Readers see the whole file or none.
bool WriteWhole(const std::string& path, const std::string& text) {
  const std::string temporary = absl::StrCat(path, ".", ::getpid(), ".tmp");
  std::FILE* file = std::fopen(temporary.c_str(), "we");
  bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file != nullptr) written = std::fclose(file) == 0 && written;
  return written && std::rename(temporary.c_str(), path.c_str()) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("answers for the public sources of token names about the tokens of a simulated market");
  absl::ParseCommandLine(argc, argv);
  // Blocked before any thread starts, so that all threads have them blocked and sigwait alone gets them.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  sigprocmask(SIG_BLOCK, &ending, nullptr);
  const std::string port_file = absl::GetFlag(FLAGS_port_file);
  if (port_file.empty()) return Fail(kExitUsage, "--port_file is missing: nobody could find the ports");

  tokenwatch::fakes::SimulatedUpstreams upstreams(absl::GetFlag(FLAGS_latency));
  const std::string truth = absl::GetFlag(FLAGS_truth);
  if (!truth.empty()) {
    if (const absl::Status loaded = upstreams.Load(truth); !loaded.ok()) return Fail(kExitInput, loaded.message());
  }
  if (!WriteWhole(port_file, absl::StrCat("{\"solana\":", upstreams.solana_port(), ",\"dexscreener\":",
                                          upstreams.dexscreener_port(), ",\"ipfs\":", upstreams.ipfs_port(), "}\n"))) {
    return Fail(kExitOutput, absl::StrCat("port file ", port_file, " cannot be written"));
  }
  int signal = 0;
  sigwait(&ending, &signal);
  return 0;
}

// tokenwatch-sim: writes a recording of a simulated market, and what really happened in it.
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/sim/options.h"
#include "tests/sim/recording.h"
#include "tests/sim/simulator.h"
#include "tests/sim/truth_json.h"

ABSL_FLAG(uint64_t, seed, 1, "the same seed and options give the same recording, byte for byte");
ABSL_FLAG(uint64_t, launches, 100, "tokens launched");
ABSL_FLAG(uint64_t, trades, 10'000, "trades, spread over the launches");
ABSL_FLAG(uint64_t, wallets, 2'000, "wallets that trade");
ABSL_FLAG(int64_t, start, 1'783'165'101, "event time of the first transaction, Unix seconds");
ABSL_FLAG(uint64_t, rate, 1'000, "trades per second of event time");
ABSL_FLAG(std::vector<std::string>, feeds, {"solana"}, "feeds to record, of solana and pumpportal");
ABSL_FLAG(bool, pumpportal_trades, false, "buy and sell frames on pumpportal too");
ABSL_FLAG(double, failed_share, 0.3, "share of the solana frames that are failed transactions, at most 0.99");
ABSL_FLAG(double, truncated_share, 0.0, "share of the solana frames with trades whose log is cut");
ABSL_FLAG(double, hostile_share, 0.03, "share of the launches with a hostile or blank name");
ABSL_FLAG(double, pumpportal_nameless_share, 0.05, "share of pumpportal's launches without name, symbol and uri");
ABSL_FLAG(double, pumpportal_missing_share, 0.136, "share that pumpportal misses and solana has; needs both feeds");
ABSL_FLAG(double, solana_missing_share, 0.052, "share that solana misses and pumpportal has; needs both feeds");
ABSL_FLAG(std::string, out, "-", "recording to write; gzip when it ends in .gz, - for standard output");
ABSL_FLAG(std::string, truth, "", "JSON file for what really happened");
ABSL_FLAG(bool, truth_wallets, false, "list every wallet's net lamports and tokens in the truth file");

namespace tokenwatch::sim {
namespace {

constexpr int kExitUsage = 64;
constexpr int kExitOutput = 74;

absl::StatusOr<uint32_t> PartsPerMillion(absl::string_view name, double share) {
  if (!(share >= 0.0 && share <= 1.0)) {
    return absl::InvalidArgumentError(absl::StrCat("tokenwatch-sim: --", name, " must be between 0 and 1"));
  }
  return static_cast<uint32_t>(std::lround(share * 1e6));
}

absl::StatusOr<Options> OptionsFromFlags() {
  Options options;
  options.seed = absl::GetFlag(FLAGS_seed);
  options.launches = absl::GetFlag(FLAGS_launches);
  options.trades = absl::GetFlag(FLAGS_trades);
  options.wallets = absl::GetFlag(FLAGS_wallets);
  options.start_s = absl::GetFlag(FLAGS_start);
  options.trades_per_second = absl::GetFlag(FLAGS_rate);
  options.pumpportal_trades = absl::GetFlag(FLAGS_pumpportal_trades);
  options.solana_feed = false;
  for (const std::string& feed : absl::GetFlag(FLAGS_feeds)) {
    if (feed != "solana" && feed != "pumpportal") {
      return absl::InvalidArgumentError(
          absl::StrCat("tokenwatch-sim: --feeds knows solana and pumpportal, not ", feed));
    }
    (feed == "solana" ? options.solana_feed : options.pumpportal_feed) = true;
  }
  struct Share {
    absl::string_view name;
    double value;
    uint32_t* parts;
  };
  const Share shares[] = {
      {"failed_share", absl::GetFlag(FLAGS_failed_share), &options.failed_ppm},
      {"truncated_share", absl::GetFlag(FLAGS_truncated_share), &options.truncated_ppm},
      {"hostile_share", absl::GetFlag(FLAGS_hostile_share), &options.hostile_name_ppm},
      {"pumpportal_nameless_share", absl::GetFlag(FLAGS_pumpportal_nameless_share), &options.pumpportal_nameless_ppm},
      {"pumpportal_missing_share", absl::GetFlag(FLAGS_pumpportal_missing_share), &options.pumpportal_missing_ppm},
      {"solana_missing_share", absl::GetFlag(FLAGS_solana_missing_share), &options.solana_missing_ppm},
  };
  for (const Share& share : shares) {
    const absl::StatusOr<uint32_t> parts = PartsPerMillion(share.name, share.value);
    if (!parts.ok()) return parts.status();
    *share.parts = *parts;
  }
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  return options;
}

absl::Status WriteTruthFile(const Simulator& simulator, const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  bool written = file != nullptr;
  if (written) {
    WriteTruthJson(simulator, absl::GetFlag(FLAGS_truth_wallets), [&](absl::string_view piece) {
      written = written && std::fwrite(piece.data(), 1, piece.size(), file) == piece.size();
    });
    written = std::fclose(file) == 0 && written;
  }
  if (written) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("tokenwatch-sim: cannot write ", path, ": ", std::strerror(errno)));
}

absl::Status Run(const Options& options) {
  absl::StatusOr<std::unique_ptr<RecordingWriter>> writer = RecordingWriter::Open(absl::GetFlag(FLAGS_out));
  if (!writer.ok()) return writer.status();
  Simulator simulator(options);
  for (Frame frame; simulator.Next(&frame);) {
    if (absl::Status status = (*writer)->Write(frame); !status.ok()) return status;
  }
  if (absl::Status status = (*writer)->Close(); !status.ok()) return status;
  const std::string truth_path = absl::GetFlag(FLAGS_truth);
  return truth_path.empty() ? absl::OkStatus() : WriteTruthFile(simulator, truth_path);
}

}  // namespace
}  // namespace tokenwatch::sim

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("writes a recording of a simulated pump.fun market");
  absl::ParseCommandLine(argc, argv);
  const absl::StatusOr<tokenwatch::sim::Options> options = tokenwatch::sim::OptionsFromFlags();
  if (!options.ok()) {
    std::fprintf(stderr, "%s\n", std::string(options.status().message()).c_str());
    return tokenwatch::sim::kExitUsage;
  }
  if (const absl::Status status = tokenwatch::sim::Run(*options); !status.ok()) {
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    return tokenwatch::sim::kExitOutput;
  }
  return 0;
}

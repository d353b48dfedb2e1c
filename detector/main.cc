// tokenwatch-detector: wires the parts and runs.
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "common/app/runner_flags.h"
#include "common/app/service_runner.h"
#include "common/config/secret.h"
#include "common/time/clock.h"
#include "detector/config.h"
#include "detector/detector.h"

ABSL_FLAG(std::string, dsn, "",
          "connection string of the platform database (prefer --dsn_file: it may hold a password)");
ABSL_FLAG(std::string, dsn_file, "", "file that holds the connection string");
ABSL_FLAG(std::string, database, "", "refuse to serve from a database of another name; empty takes any");
ABSL_FLAG(int32_t, db_connections, 6, "connections for reads and claims; the writer has one besides");
ABSL_FLAG(std::vector<std::string>, feeds, {}, "feeds to read: recording, pumpportal, solana; empty for reports only");
ABSL_FLAG(std::string, recording, "", "file to replay, JSON lines, gzip or plain");
ABSL_FLAG(std::string, recording_default_feed, "solana", "feed of the recording's lines that name none");
ABSL_FLAG(bool, exit_after_recording, false, "end when the recording is in the log");
ABSL_FLAG(std::string, pumpportal_url, "wss://pumpportal.fun/api/data", "WebSocket of PumpPortal");
ABSL_FLAG(std::string, solana_ws_url, "wss://api.mainnet-beta.solana.com", "WebSocket of a Solana node");
ABSL_FLAG(absl::Duration, silence_warn, absl::Seconds(120), "quiet of a live feed that is worth a warning");
ABSL_FLAG(absl::Duration, silence_reconnect, absl::Seconds(180), "quiet of a live feed after which to reconnect");
ABSL_FLAG(std::string, record, "", "file to append the raw frames of live feeds to, gzip");
ABSL_FLAG(int32_t, intake_queue, 32, "pieces of intake that may wait for the writer");
ABSL_FLAG(int32_t, commit_events, 8192, "events after which a group commit takes up no more");
ABSL_FLAG(int32_t, window_trades, 65'536, "newest trades remembered for recognising repeats without asking the log");
ABSL_FLAG(int32_t, known_tokens, 65'536, "tokens remembered as known without asking the registry");
ABSL_FLAG(int32_t, tail_trades, 8192, "newest trades kept in memory for readers");
ABSL_FLAG(int32_t, tail_token_events, 2048, "newest token events kept in memory for readers");
ABSL_FLAG(int32_t, max_streams, 1000, "streams served at once");
ABSL_FLAG(absl::Duration, stream_stall, absl::Seconds(30), "a reader that takes nothing for so long is cut off");
ABSL_FLAG(int32_t, keep_days, 30, "days of trades that are kept");
ABSL_FLAG(int32_t, max_quarantined, 100'000, "quarantined frames that are kept");
ABSL_FLAG(int32_t, call_threads, 6, "threads for calls");
ABSL_FLAG(int32_t, call_queue, 256, "calls that may wait for a thread");
ABSL_FLAG(int32_t, stream_threads, 4, "threads for streams");

namespace tokenwatch::detector {
namespace {

constexpr char kService[] = "detector";

Config ConfigFromFlags() {
  Config config;
  config.runner = common::OrDie(kService, common::RunnerOptionsFromFlags(kService, "0.0.0.0:7401", "0.0.0.0:7411"));
  config.dsn = absl::GetFlag(FLAGS_dsn);
  config.dsn_file = absl::GetFlag(FLAGS_dsn_file);
  config.database = absl::GetFlag(FLAGS_database);
  config.db_connections = absl::GetFlag(FLAGS_db_connections);
  config.feeds = absl::GetFlag(FLAGS_feeds);
  config.recording = absl::GetFlag(FLAGS_recording);
  config.recording_default_feed = absl::GetFlag(FLAGS_recording_default_feed);
  config.exit_after_recording = absl::GetFlag(FLAGS_exit_after_recording);
  config.pumpportal_url = absl::GetFlag(FLAGS_pumpportal_url);
  config.solana_ws_url = absl::GetFlag(FLAGS_solana_ws_url);
  config.silence_warn = absl::GetFlag(FLAGS_silence_warn);
  config.silence_reconnect = absl::GetFlag(FLAGS_silence_reconnect);
  config.record = absl::GetFlag(FLAGS_record);
  config.intake_queue = absl::GetFlag(FLAGS_intake_queue);
  config.commit_events = absl::GetFlag(FLAGS_commit_events);
  config.window_trades = absl::GetFlag(FLAGS_window_trades);
  config.known_tokens = absl::GetFlag(FLAGS_known_tokens);
  config.tail_trades = absl::GetFlag(FLAGS_tail_trades);
  config.tail_token_events = absl::GetFlag(FLAGS_tail_token_events);
  config.max_streams = absl::GetFlag(FLAGS_max_streams);
  config.stream_stall = absl::GetFlag(FLAGS_stream_stall);
  config.keep_days = absl::GetFlag(FLAGS_keep_days);
  config.max_quarantined = absl::GetFlag(FLAGS_max_quarantined);
  config.call_threads = absl::GetFlag(FLAGS_call_threads);
  config.call_queue = absl::GetFlag(FLAGS_call_queue);
  config.stream_threads = absl::GetFlag(FLAGS_stream_threads);
  return config;
}

int Main(int argc, char** argv) {
  common::StartProgram(kService, "Keeps the durable log of token launches and trades.", argc, argv);
  Config config = ConfigFromFlags();
  common::OrDie(kService, config.Validate());
  if (config.dsn.empty()) config.dsn = common::OrDie(kService, common::ReadSecretFile(config.dsn_file));
  return RunDetector(config, common::SystemClock::Instance());
}

}  // namespace
}  // namespace tokenwatch::detector

int main(int argc, char** argv) { return tokenwatch::detector::Main(argc, argv); }

#include "detector/flags.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "common/config/secret.h"

namespace detector = tokenwatch::detector;

// One line for each flag that is a field of Config: the type, the field and the help. Defaults are Config's.
#define CONFIG_FLAGS(FLAG)                                                                                        \
  FLAG(std::string, dsn, "connection string of the platform database; --dsn_file keeps it from the process list") \
  FLAG(std::string, expected_database, "refuse any database but this; empty: any that has the tables")            \
  FLAG(int32_t, db_connections, "connections for reads and claims; the writer has one besides")                   \
  FLAG(std::vector<std::string>, feeds, "feeds to read: recording, pumpportal, solana; empty: reports only")      \
  FLAG(std::string, recording, "file to replay: JSON lines, gzip or plain")                                       \
  FLAG(std::string, recording_default_feed, "feed of the recording's lines that name none")                       \
  FLAG(bool, exit_after_recording, "end when the recording is in the log")                                        \
  FLAG(std::string, pumpportal_url, "WebSocket of PumpPortal")                                                    \
  FLAG(std::string, solana_ws_url, "WebSocket of a Solana node")                                                  \
  FLAG(absl::Duration, silence_warn, "quiet of a live feed that is worth a warning")                              \
  FLAG(absl::Duration, silence_reconnect, "quiet of a live feed after which to reconnect")                        \
  FLAG(std::string, record, "file to write the raw frames of live feeds to, gzip")                                \
  FLAG(int32_t, intake_queue, "pieces of intake that may wait for the writer")                                    \
  FLAG(int32_t, commit_events, "events after which a group commit takes up no more")                              \
  FLAG(int32_t, window_trades, "newest trades remembered for recognising repeats without asking the log")         \
  FLAG(int32_t, known_tokens, "tokens remembered as known without asking the registry")                           \
  FLAG(int32_t, tail_trades, "newest trades kept in memory for readers")                                          \
  FLAG(int32_t, tail_token_events, "newest token events kept in memory for readers")                              \
  FLAG(int32_t, max_streams, "streams served at once")                                                            \
  FLAG(absl::Duration, stream_stall, "a reader that takes nothing for so long is cut off")                        \
  FLAG(int32_t, keep_days, "days of trades that are kept")                                                        \
  FLAG(int32_t, max_quarantined, "quarantined frames that are kept")                                              \
  FLAG(int32_t, call_threads, "threads for calls")                                                                \
  FLAG(int32_t, call_queue, "calls that may wait for a thread")                                                   \
  FLAG(int32_t, stream_threads, "threads for streams")

#define DEFINE_FLAG(type, name, help) ABSL_FLAG(type, name, detector::Config{}.name, help);
CONFIG_FLAGS(DEFINE_FLAG)
#undef DEFINE_FLAG

ABSL_FLAG(std::string, dsn_file, "", "file that holds the connection string of the platform database");

namespace tokenwatch::detector {

absl::StatusOr<Config> ConfigFromFlags() {
  Config config;
#define READ_FLAG(type, name, help) config.name = absl::GetFlag(FLAGS_##name);
  CONFIG_FLAGS(READ_FLAG)
#undef READ_FLAG
  const std::string dsn_file = absl::GetFlag(FLAGS_dsn_file);
  if (dsn_file.empty()) return config;
  if (!config.dsn.empty()) return absl::InvalidArgumentError("give --dsn or --dsn_file, not both");
  absl::StatusOr<std::string> dsn = common::ReadSecretFile(dsn_file);
  if (!dsn.ok()) return dsn.status();
  config.dsn = *std::move(dsn);
  return config;
}

}  // namespace tokenwatch::detector

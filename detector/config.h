// Everything that can be set from outside. main fills it from flags; nothing else reads flags.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace tokenwatch::detector {

// Names of fields are names of flags.
struct Config {
  std::string dsn;
  // Refuse to serve from a database of another name; empty takes any that has the tables.
  std::string expected_database;
  int db_connections = 6;

  // Any of "recording", "pumpportal", "solana"; none serves reports and readers only.
  std::vector<std::string> feeds;
  std::string recording;
  // Feed of the recording's lines that name none.
  std::string recording_default_feed = "solana";
  // End the process when the recording is in the log (0), or could not be read to its end (74).
  bool exit_after_recording = false;
  std::string pumpportal_url = "wss://pumpportal.fun/api/data";
  std::string solana_ws_url = "wss://api.mainnet-beta.solana.com";
  absl::Duration silence_warn = absl::Seconds(120);
  absl::Duration silence_reconnect = absl::Seconds(180);
  // Where to write the raw frames of live feeds; empty: nowhere.
  std::string record;

  int intake_queue = 16;
  int intake_calls = 16;
  int commit_events = 4096;
  int window_trades = 65'536;
  int known_tokens = 65'536;
  int tail_trades = 4096;
  int tail_token_events = 2048;
  int max_streams = 1000;
  absl::Duration stream_stall = absl::Seconds(30);
  int keep_days = 30;
  int max_quarantined = 100'000;
  int call_threads = 6;
  int call_queue = 256;
  int stream_threads = 4;

  // INVALID_ARGUMENT names the flag, its value and what is allowed.
  absl::Status Validate() const;
};

}  // namespace tokenwatch::detector

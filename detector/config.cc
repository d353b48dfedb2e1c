#include "detector/config.h"

#include <algorithm>

#include "common/config/check.h"

namespace tokenwatch::detector {

absl::Status Config::Validate() const {
  if (dsn.empty()) {
    return absl::InvalidArgumentError(
        "--dsn_file (or --dsn) is missing: name the file that holds the connection string of the platform database");
  }
  for (const std::string& feed : feeds) {
    if (absl::Status s = common::CheckOneOf("feeds", feed, {"recording", "pumpportal", "solana"}); !s.ok()) return s;
  }
  const bool replays = std::find(feeds.begin(), feeds.end(), "recording") != feeds.end();
  if (replays) {
    if (absl::Status s = common::CheckNotEmpty("recording", recording); !s.ok()) return s;
  }
  if (exit_after_recording && !replays) {
    return absl::InvalidArgumentError("--exit_after_recording needs --feeds=recording");
  }
  return common::FirstError({
      common::CheckRange("db_connections", db_connections, 1, 64),
      common::CheckOneOf("recording_default_feed", recording_default_feed, {"pumpportal", "solana"}),
      common::CheckRange("silence_warn", silence_warn, absl::Milliseconds(10), absl::Hours(1)),
      common::CheckRange("silence_reconnect", silence_reconnect, silence_warn, absl::Hours(2)),
      common::CheckRange("intake_queue", intake_queue, 1, 10'000),
      common::CheckRange("intake_calls", intake_calls, 1, 10'000),
      common::CheckRange("commit_events", commit_events, 1, 100'000),
      common::CheckRange("window_trades", window_trades, 1, 10'000'000),
      common::CheckRange("known_tokens", known_tokens, 1, 10'000'000),
      common::CheckRange("tail_trades", tail_trades, 1, 10'000'000),
      common::CheckRange("tail_token_events", tail_token_events, 1, 1'000'000),
      common::CheckRange("max_streams", max_streams, 1, 100'000),
      common::CheckRange("stream_stall", stream_stall, absl::Milliseconds(100), absl::Hours(1)),
      common::CheckRange("keep_days", keep_days, 1, 3650),
      common::CheckRange("max_quarantined", max_quarantined, 1, 100'000'000),
      common::CheckRange("call_threads", call_threads, 1, 64),
      common::CheckRange("call_queue", call_queue, 1, 100'000),
      common::CheckRange("stream_threads", stream_threads, 1, 64),
  });
}

}  // namespace tokenwatch::detector

#include "detector/config.h"

#include <functional>

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tokenwatch::detector {
namespace {

Config Good() {
  Config config;
  config.dsn = "host=localhost dbname=platform";
  return config;
}

// The flag must be refused, and named.
void ExpectRefused(const Config& config, absl::string_view flag) {
  const absl::Status status = config.Validate();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << flag;
  EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat("--", flag))) << status;
}

TEST(ConfigTest, TheDefaultsNeedADsnAndNothingElse) {
  EXPECT_TRUE(Good().Validate().ok()) << Good().Validate();
  ExpectRefused(Config(), "dsn_file");
}

TEST(ConfigTest, FeedsAndWhatTheyNeed) {
  Config config = Good();
  config.feeds = {"pumpportal", "solana"};
  EXPECT_TRUE(config.Validate().ok());
  config.feeds = {"pumpportal", "evm"};
  ExpectRefused(config, "feeds");
  config.feeds = {"recording"};
  ExpectRefused(config, "recording");
  config.recording = "a.jsonl";
  config.exit_after_recording = true;
  EXPECT_TRUE(config.Validate().ok());
  config.feeds = {"solana"};
  ExpectRefused(config, "exit_after_recording");
  config = Good();
  config.recording_default_feed = "recording";
  ExpectRefused(config, "recording_default_feed");
}

struct IntBounds {
  const char* flag;
  int Config::*member;
  int min;
  int max;
};

TEST(ConfigTest, EveryNumberHasBounds) {
  for (const IntBounds& bounds : {
           IntBounds{"db_connections", &Config::db_connections, 1, 64},
           IntBounds{"intake_queue", &Config::intake_queue, 1, 10'000},
           IntBounds{"intake_calls", &Config::intake_calls, 1, 10'000},
           IntBounds{"commit_events", &Config::commit_events, 1, 100'000},
           IntBounds{"window_trades", &Config::window_trades, 1, 10'000'000},
           IntBounds{"known_tokens", &Config::known_tokens, 1, 10'000'000},
           IntBounds{"tail_trades", &Config::tail_trades, 1, 10'000'000},
           IntBounds{"tail_token_events", &Config::tail_token_events, 1, 1'000'000},
           IntBounds{"max_streams", &Config::max_streams, 1, 100'000},
           IntBounds{"keep_days", &Config::keep_days, 1, 3650},
           IntBounds{"max_quarantined", &Config::max_quarantined, 1, 100'000'000},
           IntBounds{"call_threads", &Config::call_threads, 1, 64},
           IntBounds{"call_queue", &Config::call_queue, 1, 100'000},
           IntBounds{"stream_threads", &Config::stream_threads, 1, 64},
       }) {
    Config config = Good();
    for (const int fine : {bounds.min, bounds.max}) {
      config.*bounds.member = fine;
      EXPECT_TRUE(config.Validate().ok()) << bounds.flag << " " << config.Validate();
    }
    for (const int wrong : {bounds.min - 1, bounds.max + 1, -1}) {
      config.*bounds.member = wrong;
      ExpectRefused(config, bounds.flag);
    }
  }
}

TEST(ConfigTest, EveryDurationHasBounds) {
  struct Case {
    const char* flag;
    absl::Duration Config::*member;
    absl::Duration value;
    bool fine;
  };
  for (const Case& each : {
           Case{"silence_warn", &Config::silence_warn, absl::Milliseconds(10), true},
           Case{"silence_warn", &Config::silence_warn, absl::Milliseconds(9), false},
           Case{"silence_warn", &Config::silence_warn, absl::Hours(1) + absl::Seconds(1), false},
           Case{"silence_reconnect", &Config::silence_reconnect, absl::Hours(2), true},
           Case{"silence_reconnect", &Config::silence_reconnect, absl::Hours(2) + absl::Seconds(1), false},
           Case{"silence_reconnect", &Config::silence_reconnect, absl::Seconds(119), false},
           Case{"stream_stall", &Config::stream_stall, absl::Milliseconds(100), true},
           Case{"stream_stall", &Config::stream_stall, absl::Milliseconds(99), false},
           Case{"stream_stall", &Config::stream_stall, absl::Hours(1), true},
           Case{"stream_stall", &Config::stream_stall, absl::Hours(2), false},
       }) {
    Config config = Good();
    config.*each.member = each.value;
    if (each.fine) {
      EXPECT_TRUE(config.Validate().ok()) << config.Validate();
    } else {
      ExpectRefused(config, each.flag);
    }
  }
}

}  // namespace
}  // namespace tokenwatch::detector

// What each feed of this process has done, for status and metrics. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "detector/trade.h"

namespace tokenwatch::detector {

enum class FeedState : uint8_t { kConnecting, kLive, kSilent, kReconnecting, kFinished, kFailed };

absl::string_view FeedStateName(FeedState state);

// What the log made of a feed's events.
struct FeedCounts {
  uint64_t launches = 0;
  uint64_t trades = 0;
  uint64_t duplicates = 0;
  uint64_t quarantined = 0;
};

// What decoding a feed's frames saw besides events. Counts only grow.
struct DecodeCounts {
  uint64_t frames = 0;
  // Transactions that carry an error: nothing of them happened.
  uint64_t failed_transactions = 0;
  // Events of invocations that failed, or whose end the logs do not show.
  uint64_t events_not_valid = 0;
  // Events longer than the newest layout known here.
  uint64_t unknown_tails = 0;
  // Administrative events, which are of no interest.
  uint64_t admin_events = 0;
  // Launches whose curve key in the frame is not the one derived from the mint.
  uint64_t curve_key_mismatches = 0;
  // Launches whose frame had no name.
  uint64_t nameless_launches = 0;
};

struct FeedReport {
  std::string name;
  FeedState state = FeedState::kConnecting;
  std::string detail;
  FeedCounts counts;
  DecodeCounts decoded;
  absl::Time last_frame_at = absl::InfinitePast();
};

class FeedBoard {
 public:
  // A feeder's name comes with its report, so the number of names is bounded; reports of further ones count under
  // "other".
  static constexpr size_t kMaxFeeds = 32;

  void SetState(absl::string_view feed, FeedState state, absl::string_view detail = "") TW_EXCLUDES(mutex_);
  // What the feed's decoder has counted so far; its newest frame came at `at`.
  void SetDecoded(absl::string_view feed, const DecodeCounts& decoded, absl::Time at) TW_EXCLUDES(mutex_);
  // What the log made of further events of the feed.
  void AddOutcome(absl::string_view feed, const FeedCounts& counts) TW_EXCLUDES(mutex_);
  // By name.
  std::vector<FeedReport> Report() const TW_EXCLUDES(mutex_);

 private:
  FeedReport& At(absl::string_view feed) TW_REQUIRES(mutex_);

  mutable common::Mutex mutex_;
  std::map<std::string, FeedReport> feeds_ TW_GUARDED_BY(mutex_);
};

}  // namespace tokenwatch::detector

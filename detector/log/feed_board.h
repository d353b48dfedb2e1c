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

struct FeedCounts {
  uint64_t frames = 0;
  uint64_t launches = 0;
  uint64_t trades = 0;
  uint64_t duplicates = 0;
  uint64_t quarantined = 0;
};

struct FeedReport {
  std::string name;
  FeedState state = FeedState::kConnecting;
  std::string detail;
  FeedCounts counts;
  absl::Time last_frame_at = absl::InfinitePast();
};

class FeedBoard {
 public:
  // A feeder's name comes with its report, so the number of names is bounded; reports of further ones count under
  // "other".
  static constexpr size_t kMaxFeeds = 32;

  void SetState(absl::string_view feed, FeedState state, absl::string_view detail = "") TW_EXCLUDES(mutex_);
  // The newest frame of the feed came at `at`.
  void AddFrames(absl::string_view feed, uint64_t frames, absl::Time at) TW_EXCLUDES(mutex_);
  // What the writer made of the feed's events; frames are ignored.
  void AddOutcome(absl::string_view feed, const FeedCounts& counts) TW_EXCLUDES(mutex_);
  // By name.
  std::vector<FeedReport> Report() const TW_EXCLUDES(mutex_);

 private:
  FeedReport& At(absl::string_view feed) TW_REQUIRES(mutex_);

  mutable common::Mutex mutex_;
  std::map<std::string, FeedReport> feeds_ TW_GUARDED_BY(mutex_);
};

}  // namespace tokenwatch::detector

#include "detector/log/feed_board.h"

namespace tokenwatch::detector {

absl::string_view FeedStateName(FeedState state) {
  switch (state) {
    case FeedState::kConnecting:
      return "connecting";
    case FeedState::kLive:
      return "live";
    case FeedState::kSilent:
      return "silent";
    case FeedState::kReconnecting:
      return "reconnecting";
    case FeedState::kFinished:
      return "finished";
    case FeedState::kFailed:
      return "failed";
  }
  return "unknown";
}

FeedReport& FeedBoard::At(absl::string_view feed) {
  std::string name(feed);
  if (!feeds_.contains(name) && feeds_.size() >= kMaxFeeds) name = "other";
  FeedReport& report = feeds_[name];
  report.name = name;
  return report;
}

void FeedBoard::SetState(absl::string_view feed, FeedState state, absl::string_view detail) {
  common::MutexLock lock(mutex_);
  FeedReport& report = At(feed);
  report.state = state;
  report.detail = std::string(detail);
}

void FeedBoard::SetDecoded(absl::string_view feed, const DecodeCounts& decoded, absl::Time at) {
  common::MutexLock lock(mutex_);
  FeedReport& report = At(feed);
  report.decoded = decoded;
  report.last_frame_at = at;
  report.state = FeedState::kLive;
}

void FeedBoard::AddOutcome(absl::string_view feed, const FeedCounts& counts) {
  common::MutexLock lock(mutex_);
  FeedCounts& total = At(feed).counts;
  total.launches += counts.launches;
  total.trades += counts.trades;
  total.duplicates += counts.duplicates;
  total.quarantined += counts.quarantined;
}

std::vector<FeedReport> FeedBoard::Report() const {
  std::vector<FeedReport> reports;
  common::MutexLock lock(mutex_);
  for (const auto& [name, report] : feeds_) reports.push_back(report);
  return reports;
}

}  // namespace tokenwatch::detector

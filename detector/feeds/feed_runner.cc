#include "detector/feeds/feed_runner.h"

#include <utility>

namespace tokenwatch::detector {

FeedRunner::FeedRunner(std::vector<std::unique_ptr<Feed>> feeds, FeedBoard& board, Ended ended)
    : feeds_(std::move(feeds)), board_(board), ended_(std::move(ended)) {}

FeedRunner::~FeedRunner() { Stop(); }

void FeedRunner::Start() {
  common::MutexLock lock(mutex_);
  if (!threads_.empty()) return;
  for (const auto& feed : feeds_) {
    threads_.emplace_back([this, feed = feed.get()](const std::stop_token& stop) { RunFeed(*feed, stop); });
  }
}

void FeedRunner::Stop() {
  // Under the lock until all have ended: no feed may be started again while its last run lasts.
  common::MutexLock lock(mutex_);
  for (std::jthread& thread : threads_) thread.request_stop();
  for (std::jthread& thread : threads_) thread.join();
  threads_.clear();
}

void FeedRunner::RunFeed(Feed& feed, const std::stop_token& stop) {
  const absl::Status status = feed.Run(stop);
  if (stop.stop_requested()) return;
  if (!status.ok()) board_.SetState(feed.name(), FeedState::kFailed, status.message());
  ended_(feed, status, stop);
}

}  // namespace tokenwatch::detector

// Runs the feeds while this process writes the log. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "common/sync/mutex.h"
#include "detector/feeds/feed.h"
#include "detector/log/feed_board.h"

namespace tokenwatch::detector {

class FeedRunner {
 public:
  // `ended` is told, on the feed's thread, when a feed ends by itself: it has nothing more to give (OK), or has failed
  // for good. It must return when `stop` is requested: Stop() waits for it.
  using Ended = std::function<void(const Feed& feed, const absl::Status& status, const std::stop_token& stop)>;

  FeedRunner(std::vector<std::unique_ptr<Feed>> feeds, FeedBoard& board, Ended ended);
  // Stop().
  ~FeedRunner();

  // Starts all feeds, each on a thread of its own; those that run already go on.
  void Start() TW_EXCLUDES(mutex_);
  // Stops and joins all. Not to be called by a feed.
  void Stop() TW_EXCLUDES(mutex_);

 private:
  void RunFeed(Feed& feed, const std::stop_token& stop);

  const std::vector<std::unique_ptr<Feed>> feeds_;
  FeedBoard& board_;
  const Ended ended_;
  common::Mutex mutex_;
  std::vector<std::jthread> threads_ TW_GUARDED_BY(mutex_);
};

}  // namespace tokenwatch::detector

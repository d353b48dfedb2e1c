// A source of frames, and what it needs to hand them on.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "detector/feed_event.h"

namespace tokenwatch::detector {

// Where feeds put what they have decoded. Waits while the log's intake is full; false when there is no point in going
// on (stop requested, or the log has ended). Thread-safe.
using FeedSink = std::function<bool(FeedBatch batch, const std::stop_token& stop)>;

// Run() is called on a thread of the feed's own, at most once at a time, each time this process becomes the one that
// writes the log.
class Feed {
 public:
  virtual ~Feed() = default;
  virtual const std::string& name() const = 0;
  // Reads until `stop` is requested or the feed has ended for good. OK when it has nothing more to give.
  virtual absl::Status Run(const std::stop_token& stop) = 0;
};

}  // namespace tokenwatch::detector

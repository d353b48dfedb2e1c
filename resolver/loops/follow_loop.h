// Reads the detector's token log: wakes the claims when a token without a name appears, and examines the names that
// come with launches. What was found is saved together with the cursor it was found up to.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "common/sync/mutex.h"
#include "resolver/loops/context.h"

namespace tokenwatch::resolver {

// Follow and Save are run by one thread each.
class FollowLoop {
 public:
  FollowLoop(const LoopContext& context, std::function<void()> on_pending)
      : context_(context), on_pending_(std::move(on_pending)) {}

  // Follows the log, reconnecting from the last cursor, until `stop`.
  void Follow(const std::stop_token& stop);
  // Saves what Follow has found, in batches, until `stop`, and then what is left.
  void Save(const std::stop_token& stop) TW_EXCLUDES(mutex_);

 private:
  absl::Status Take(const TokenLogBatch& batch, const std::stop_token& stop) TW_EXCLUDES(mutex_);
  Resolution Examine(const TokenSeen& seen) const;
  // The cursor to go on from, waiting until the database tells it; nothing when stopped.
  std::optional<uint64_t> LoadCursor(const std::stop_token& stop);
  // The log is shorter than what was read of it: the detector has another database now.
  void StartOver(const std::stop_token& stop) TW_EXCLUDES(mutex_);
  bool SaveBatch(const std::vector<Resolution>& launches, uint64_t cursor, const std::stop_token& stop);

  const LoopContext context_;
  const std::function<void()> on_pending_;

  common::Mutex mutex_;
  common::CondVar changed_;
  std::vector<Resolution> found_ TW_GUARDED_BY(mutex_);
  uint64_t read_ TW_GUARDED_BY(mutex_) = 0;
  uint64_t saved_ TW_GUARDED_BY(mutex_) = 0;
};

}  // namespace tokenwatch::resolver

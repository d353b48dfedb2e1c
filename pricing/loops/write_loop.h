// Writes what was folded, if this replica is the one that writes: whoever has the advisory lock. The others follow the
// writer's checkpoint, so that what it covers need not be written again when one of them takes its place.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <stop_token>

#include "common/sync/mutex.h"
#include "common/time/backoff.h"
#include "pricing/fold/fold.h"
#include "pricing/loops/context.h"

namespace tokenwatch::pricing {

// Run and its parts are one thread's; the rest is for any.
class WriteLoop {
 public:
  // `restored`: what the fold began with.
  WriteLoop(const LoopContext& context, Fold& fold, const Checkpoint& restored,
            common::UniformRandom random = common::SystemRandom());

  // Until `stop`.
  void Run(const std::stop_token& stop) TW_EXCLUDES(mutex_);
  // The fold wants to be written without waiting for the interval.
  void Wake() TW_EXCLUDES(mutex_);

  // Whatever is to be done now; returns how long there is nothing to do unless woken.
  absl::Duration Step();
  // Everything that is not written yet is written, unless another replica does so, or it cannot be done by `until`
  // (of real time). Nothing is folded meanwhile.
  void Drain(absl::Time until);

  bool is_writer() const { return is_writer_.load(std::memory_order_relaxed); }
  // The redo cursor of the checkpoint in the database, as last heard.
  uint64_t written_redo_cursor() const { return written_redo_.load(std::memory_order_relaxed); }
  struct Counts {
    uint64_t rows = 0;
    uint64_t transactions = 0;
  };
  Counts counts() const;

 private:
  // Tries to become the writer, until `deadline`. Without an error and without a session another process is it.
  absl::Status Open(absl::Time deadline);
  // What the writer has written.
  absl::Status FollowCheckpoint();
  // Writes what is due, or `everything`.
  absl::Status WriteDue(bool everything, absl::Time until);
  absl::Status WriteOne(const Flush& flush);
  void TakeCheckpoint(const Checkpoint& checkpoint);
  // Returns how long to wait.
  absl::Duration Failed(const absl::Status& status, absl::string_view what);
  void Drop();
  void Sleep(absl::Duration span, const std::stop_token& stop) TW_EXCLUDES(mutex_);

  const LoopContext context_;
  Fold& fold_;
  common::Backoff backoff_;
  std::unique_ptr<WriteSession> session_;
  // As it is in the database, as far as is known.
  Checkpoint checkpoint_;
  absl::Time next_flush_ = absl::InfinitePast();
  absl::Time used_at_ = absl::InfinitePast();

  std::atomic<bool> is_writer_{false};
  std::atomic<uint64_t> written_redo_{0};
  std::atomic<uint64_t> rows_{0};
  std::atomic<uint64_t> transactions_{0};

  common::Mutex mutex_;
  common::CondVar woken_changed_;
  bool woken_ TW_GUARDED_BY(mutex_) = false;
};

}  // namespace tokenwatch::pricing

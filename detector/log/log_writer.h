// The one writer of the log: takes what feeds and callers bring, gives it cursors, commits it in groups, and only then
// tells the readers.
//
// A commit takes whatever has come while the one before was written; nothing waits for company. When the database is
// away the intake waits (its queue is bounded, so the feeds wait too) and nothing is lost. After any error the writer
// forgets what it knew, opens a new session, reads where the log ends, and works out the same intake again: what had
// been committed after all is then found there, and nothing is written twice.
//
// Of all processes on one database one has the writer's session and leads; the others follow its log.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "common/sync/bounded_queue.h"
#include "common/sync/mutex.h"
#include "common/time/backoff.h"
#include "common/time/clock.h"
#include "detector/log/draft.h"
#include "detector/log/feed_board.h"
#include "detector/log/log_tail.h"
#include "detector/store.h"

namespace tokenwatch::detector {

// What the writer tells about itself. Called on its thread; must be quick.
class WriterObserver {
 public:
  virtual ~WriterObserver() = default;
  virtual void OnLeading(bool /*leads*/) {}
  // A group was committed, `took` from taking it up to its being published.
  virtual void OnCommit(const Commit& /*commit*/, absl::Duration /*took*/) {}
  // An intake with launches, or with trades, was published `latency` after it arrived.
  virtual void OnPublished(bool /*has_launches*/, bool /*has_trades*/, absl::Duration /*latency*/) {}
  // A session or commit failed; it is tried again.
  virtual void OnFailure(const absl::Status& /*status*/) {}
  // Something that the database refuses for good was quarantined instead.
  virtual void OnUnwritable(const absl::Status& /*status*/) {}
};

class LogWriter {
 public:
  struct Options {
    // Pieces of feeds that wait, and of callers. Apart, so that a feed at full speed leaves callers their place.
    size_t queue_capacity = 64;
    size_t call_capacity = 16;
    // Events of one commit, at which no further piece is taken up.
    size_t max_commit_events = 8192;
    // Trades and tokens remembered for recognising repeats.
    size_t window_trades = 65'536;
    size_t known_tokens = 65'536;
    Draft::Limits draft;
    // How often a follower looks for news, and for the lead being free.
    absl::Duration follow_interval = absl::Milliseconds(100);
    common::Backoff::Options retry{.initial = absl::Milliseconds(50), .cap = absl::Seconds(2)};
  };
  // The outcome once it is durable and published, or why it never will be.
  using Done = absl::AnyInvocable<void(absl::StatusOr<IntakeOutcome>) &&>;

  // All references must outlive the writer.
  LogWriter(const Options& options, Store& store, LogTail<Trade>& trades, LogTail<TokenEvent>& events, FeedBoard& board,
            WriterObserver& observer, common::Clock& clock);
  // Stop(0).
  ~LogWriter();

  void Start();

  // For feeds: waits for room. False when the writer stops, or `stop` is requested.
  bool Submit(Intake intake, const std::stop_token& stop);
  // For callers: never waits. RESOURCE_EXHAUSTED when too many wait already, UNAVAILABLE when another process leads or
  // this one stops; `done` is then not called. Otherwise it is called once, on the writer's thread.
  absl::Status TrySubmit(Intake intake, Done done);

  // Waits until everything submitted before is durable. CANCELLED when `stop` is requested before that, else as
  // TrySubmit's outcome.
  absl::Status Flush(const std::stop_token& stop);

  // Takes no more, gives what is queued up to `drain` to be committed, then ends. What is left is answered UNAVAILABLE.
  void Stop(absl::Duration drain);

  bool leads() const { return leads_.load(std::memory_order_relaxed); }
  size_t queue_depth() const { return queue_.size(); }
  // Why nothing is being written, or OK.
  absl::Status health() const TW_EXCLUDES(health_mutex_);

 private:
  struct Work {
    Intake intake;
    Done done;
    // It holds one of feed_slots_ or call_slots_ until it is taken.
    bool from_feed = true;
  };
  using Slots = common::BoundedQueue<std::monostate>;

  void Run(const std::stop_token& stop);
  // Makes session_ the writer's session; false when stopped or when another process leads.
  bool Lead(const std::stop_token& stop);
  absl::Status LoadMemory();
  // While there is nothing to write: notices that the session, and with it the lead, is lost.
  void CheckSession();
  void Follow(const std::stop_token& stop);
  // The oldest piece that waits; nothing when the time is over or the writer stops.
  std::optional<Work> TakeOne(absl::Duration timeout, const std::stop_token& stop = {});
  std::vector<Work> TakeGroup(const std::stop_token& stop);
  // Commits `works[first, first + count)`, whatever it takes. False when it was stopped or lost the lead: what was not
  // committed is answered so, and nothing that came after it may be committed here, because feeds are read again from
  // their saved positions.
  bool WriteAll(std::vector<Work>& works, size_t first, size_t count, const std::stop_token& stop);
  absl::Status WriteOnce(std::vector<Work>& works, size_t first, size_t count);
  // The database will never take this one piece: splits it, or quarantines its only event. Returns as WriteAll.
  bool WriteUnwritable(Work& work, const absl::Status& why, const std::stop_token& stop);
  void Publish(std::vector<Work>& works, size_t first, size_t count, Draft& draft, absl::Time started);
  bool WriteParts(Work& work, const std::stop_token& stop);
  void Answer(Work& work, absl::StatusOr<IntakeOutcome> outcome);
  void AnswerNotWritten(std::vector<Work>& works, size_t first, size_t count, const std::stop_token& stop);
  void DropSession(const absl::Status& why);
  void SetLeads(bool leads);
  void SetHealth(absl::Status status) TW_EXCLUDES(health_mutex_);

  const Options options_;
  Store& store_;
  LogTail<Trade>& trades_;
  LogTail<TokenEvent>& events_;
  FeedBoard& board_;
  WriterObserver& observer_;
  common::Clock& clock_;

  common::BoundedQueue<Work> queue_;
  // Full slots are pieces in queue_, which therefore always has room for who has a slot.
  Slots feed_slots_;
  Slots call_slots_;
  std::atomic<bool> leads_{false};
  std::atomic<bool> stopping_{false};
  mutable common::Mutex health_mutex_;
  absl::Status health_ TW_GUARDED_BY(health_mutex_);

  // The writer's thread only.
  std::unique_ptr<LogSession> session_;
  WriterMemory memory_;
  common::Backoff backoff_;

  std::jthread thread_;
};

}  // namespace tokenwatch::detector

// Server streams that are pulled: the stream asks its source for the next message while the transport takes the one
// before, waits without a thread when there is none, and ends exactly once on every path.
//
// At most one message is in flight for each stream and one more is ready, so source, transport and reader work at the
// same time, and a reader that does not read costs two messages and slows nobody. A reader that takes nothing for the
// stall limit is cut off.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/rpc/status.h"
#include "common/sync/executor.h"
#include "common/sync/mutex.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"

namespace tokenwatch::common {

// What a source has for the stream now.
enum class Pull { kSend, kWait, kEnd };

// Where a stream's messages come from. Called by one thread at a time, on the executor; may block for as long as a
// database query takes.
template <typename Response>
class PullSource {
 public:
  virtual ~PullSource() = default;
  // kSend: *response is the next message. kWait: there is none now; Arm() is called next. kEnd: *status ends the call.
  virtual Pull Next(Response* response, absl::Status* status) = 0;
  // Has `wake` called once (or more often) as soon as there may be a message, at once if there may be one already.
  virtual void Arm(std::function<void()> wake) = 0;
  // The stream has ended: what Arm left behind is not wanted any more.
  virtual void Disarm() = 0;
  // Whether a message may be made while the one before is under way. Not for what would be out of date by the time a slow
  // reader takes it.
  virtual bool works_ahead() const { return true; }
  // What a reader that got all messages until now, and is cut off then, needs to know to go on, as "resume after cursor
  // 17".
  virtual std::string Resume() const = 0;
};

// A stream as its set sees it. Thread-safe.
class OpenStream {
 public:
  virtual ~OpenStream() = default;
  // Ends the stream with `status` as soon as the message in flight is through.
  virtual void End(const absl::Status& status) = 0;
  // Cuts the stream off if its message has been in flight since before `limit`; gives the call up altogether if since
  // before `hard_limit`.
  virtual void CutOffIfStalled(absl::Time limit, absl::Time hard_limit) = 0;
};

// All streams of a service: their number is bounded, the stalled ones are cut off, and all end when the service drains.
// Thread-safe. Outlives its streams.
class StreamSet {
 public:
  struct Options {
    size_t max_streams = 1000;
    absl::Duration stall_limit = absl::Seconds(30);
  };
  struct Counts {
    size_t open = 0;
    uint64_t refused = 0;
    uint64_t cut_off = 0;
  };

  explicit StreamSet(const Options& options) : options_(options) {}

  // False when there are too many, or the set has ended.
  bool Add(const std::shared_ptr<OpenStream>& stream) TW_EXCLUDES(mutex_);
  void Remove(const OpenStream* stream) TW_EXCLUDES(mutex_);
  void CountCutOff() TW_EXCLUDES(mutex_);
  // Cuts off who has stalled by `now`, which is wall-clock time. Call it every second or so.
  void CutOffStalled(absl::Time now) TW_EXCLUDES(mutex_);
  // Ends all streams, and every later one.
  void EndAll(const absl::Status& status) TW_EXCLUDES(mutex_);
  Counts counts() const TW_EXCLUDES(mutex_);

 private:
  std::vector<std::shared_ptr<OpenStream>> All() const TW_EXCLUDES(mutex_);

  const Options options_;
  mutable Mutex mutex_;
  std::vector<std::weak_ptr<OpenStream>> streams_ TW_GUARDED_BY(mutex_);
  bool ended_ TW_GUARDED_BY(mutex_) = false;
  Counts counts_ TW_GUARDED_BY(mutex_);
};

// The reactor. Make it with Start(); it lives until gRPC and its own tasks are done with it.
template <typename Response>
class PullStream final : public grpc::ServerWriteReactor<Response>,
                         public OpenStream,
                         public std::enable_shared_from_this<PullStream<Response>> {
 public:
  // Returns what the handler has to return. The executor must be able to queue a task for every stream of the set.
  static grpc::ServerWriteReactor<Response>* Start(grpc::CallbackServerContext* context, Executor& executor,
                                                   StreamSet& set, std::unique_ptr<PullSource<Response>> source) {
    std::shared_ptr<PullStream> stream(new PullStream(context, executor, set, std::move(source)));
    stream->self_ = stream;
    if (set.Add(stream)) {
      stream->Wake();
    } else {
      stream->End(absl::ResourceExhaustedError("too many streams are open, or the service is draining"));
    }
    return stream.get();
  }

  // A stream that ends at once, for a request that cannot be served.
  static grpc::ServerWriteReactor<Response>* Refuse(const absl::Status& status) {
    class Refusal final : public grpc::ServerWriteReactor<Response> {
     public:
      explicit Refusal(const absl::Status& why) { this->Finish(ToGrpc(why)); }
      void OnDone() override { delete this; }
    };
    return new Refusal(status);
  }

  void End(const absl::Status& status) override {
    {
      MutexLock lock(mutex_);
      if (!end_.has_value()) end_ = status;
    }
    Step();
  }

  void CutOffIfStalled(absl::Time limit, absl::Time hard_limit) override {
    MutexLock lock(mutex_);
    if (!writing_ || write_began_ > limit) return;
    if (!end_.has_value()) {
      set_.CountCutOff();
      end_ = absl::ResourceExhaustedError("cut off: this reader takes its messages too slowly; " + resume_);
    }
    if (write_began_ <= hard_limit) context_->TryCancel();
  }

  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(mutex_);
      writing_ = false;
      in_flight_.Clear();
      if (!ok && !end_.has_value()) end_ = absl::CancelledError("the reader has gone");
    }
    Step();
  }

  void OnCancel() override { End(absl::CancelledError("the reader has gone")); }

  void OnDone() override {
    set_.Remove(this);
    source_->Disarm();
    self_.reset();
  }

 private:
  PullStream(grpc::CallbackServerContext* context, Executor& executor, StreamSet& set,
             std::unique_ptr<PullSource<Response>> source)
      : context_(context), executor_(executor), set_(set), source_(std::move(source)) {}

  // The source may have a message.
  void Wake() {
    {
      MutexLock lock(mutex_);
      woken_ = true;
    }
    Step();
  }

  // Begins whatever can be begun now. Called after every change.
  void Step() {
    // What is begun may end on another thread before this one is out of here.
    const std::shared_ptr<PullStream> self = this->shared_from_this();
    bool pull = false;
    bool write = false;
    std::optional<absl::Status> finish;
    {
      MutexLock lock(mutex_);
      if (finished_) return;
      if (end_.has_value()) {
        if (!pulling_ && !writing_) finish = end_;
      } else {
        if (ready_ && !writing_) {
          std::swap(in_flight_, next_);
          resume_.swap(next_resume_);
          ready_ = false;
          writing_ = write = true;
          write_began_ = absl::Now();
        }
        if (woken_ && !pulling_ && !ready_ && !source_end_.has_value() && (!writing_ || source_->works_ahead())) {
          woken_ = false;
          pulling_ = pull = true;
        }
        // Everything the source gave comes first.
        if (source_end_.has_value() && !ready_ && !writing_) finish = source_end_;
      }
      finished_ = finish.has_value();
    }
    // The pull first: a write may do its work before it returns.
    if (pull) SubmitPull();
    if (write) this->StartWrite(&in_flight_);
    if (finish.has_value()) this->Finish(ToGrpc(*finish));
  }

  void SubmitPull() {
    if (executor_.TrySubmit([self = this->shared_from_this()] { self->PullOnce(); })) return;
    {
      MutexLock lock(mutex_);
      pulling_ = false;
      if (!end_.has_value()) {
        end_ = absl::ResourceExhaustedError("the service has no room for this stream; " + source_->Resume());
      }
    }
    Step();
  }

  // One message, or the beginning of a wait. While pulling_ is set nobody else touches the source, nor next_.
  void PullOnce() {
    next_.Clear();
    absl::Status status;
    std::string resume;
    Pull pulled = Pull::kWait;
    if (!ended()) {
      pulled = source_->Next(&next_, &status);
      if (pulled == Pull::kSend) resume = source_->Resume();
      if (pulled == Pull::kWait) source_->Arm([self = this->shared_from_this()] { self->Wake(); });
    }
    {
      MutexLock lock(mutex_);
      pulling_ = false;
      if (pulled == Pull::kEnd) source_end_ = status;
      if (pulled == Pull::kSend) {
        ready_ = woken_ = true;
        next_resume_ = std::move(resume);
      }
    }
    Step();
  }

  bool ended() {
    MutexLock lock(mutex_);
    return end_.has_value();
  }

  grpc::CallbackServerContext* const context_;
  Executor& executor_;
  StreamSet& set_;
  const std::unique_ptr<PullSource<Response>> source_;
  // The transport's while writing_ is set; the executor's while pulling_ is set.
  Response in_flight_;
  Response next_;

  Mutex mutex_;
  // The source is being asked.
  bool pulling_ TW_GUARDED_BY(mutex_) = false;
  // It is worth asking.
  bool woken_ TW_GUARDED_BY(mutex_) = false;
  // next_ is the next message.
  bool ready_ TW_GUARDED_BY(mutex_) = false;
  bool writing_ TW_GUARDED_BY(mutex_) = false;
  bool finished_ TW_GUARDED_BY(mutex_) = false;
  // Why the stream ends as soon as nothing is under way, and how its source ended.
  std::optional<absl::Status> end_ TW_GUARDED_BY(mutex_);
  std::optional<absl::Status> source_end_ TW_GUARDED_BY(mutex_);
  absl::Time write_began_ TW_GUARDED_BY(mutex_);
  // The source's word after the message in flight, and after the one that is ready.
  std::string resume_ TW_GUARDED_BY(mutex_);
  std::string next_resume_ TW_GUARDED_BY(mutex_);

  // Keeps this alive until OnDone.
  std::shared_ptr<PullStream> self_;
};

}  // namespace tokenwatch::common

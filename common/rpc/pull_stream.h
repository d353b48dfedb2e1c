// Server streams that are pulled: the stream asks its source for the next message when the one before has been taken by
// the transport, waits without a thread when there is none, and ends exactly once on every path.
//
// At most one message is in flight for each stream, so a reader that does not read costs one message and slows nobody.
// A reader that takes nothing for the stall limit is cut off.
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
  // What a reader that is cut off needs to know to go on, as "resume after cursor 17".
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
  // Call it every second or so.
  void CutOffStalled() TW_EXCLUDES(mutex_);
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
      stream->FinishOnce(absl::ResourceExhaustedError("too many streams are open, or the service is draining"));
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
    Wake();
  }

  void CutOffIfStalled(absl::Time limit, absl::Time hard_limit) override {
    MutexLock lock(mutex_);
    if (state_ != State::kWriting || write_began_ > limit) return;
    if (!end_.has_value()) {
      set_.CountCutOff();
      end_ = absl::ResourceExhaustedError("cut off: this reader takes its messages too slowly; " + source_->Resume());
    }
    if (write_began_ <= hard_limit) context_->TryCancel();
  }

  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(mutex_);
      state_ = State::kIdle;
      if (!ok && !end_.has_value()) end_ = absl::CancelledError("the reader has gone");
    }
    Wake();
  }

  void OnCancel() override { End(absl::CancelledError("the reader has gone")); }

  void OnDone() override {
    set_.Remove(this);
    source_->Disarm();
    self_.reset();
  }

 private:
  enum class State { kIdle, kPulling, kWriting, kFinished };

  PullStream(grpc::CallbackServerContext* context, Executor& executor, StreamSet& set,
             std::unique_ptr<PullSource<Response>> source)
      : context_(context), executor_(executor), set_(set), source_(std::move(source)) {}

  // Something may have changed: has the source asked, unless that is under way or a message is in flight.
  void Wake() {
    {
      MutexLock lock(mutex_);
      woken_ = true;
      if (state_ != State::kIdle) return;
      state_ = State::kPulling;
    }
    SubmitPull();
  }

  void SubmitPull() {
    if (!executor_.TrySubmit([self = this->shared_from_this()] { self->PullOnce(); })) {
      FinishOnce(absl::ResourceExhaustedError("the service has no room for this stream; " + source_->Resume()));
    }
  }

  // One message, or the beginning of a wait. State is kPulling, so nobody else touches the source.
  void PullOnce() {
    std::optional<absl::Status> end;
    {
      MutexLock lock(mutex_);
      woken_ = false;
      end = end_;
    }
    if (end.has_value()) return FinishOnce(*end);
    response_.Clear();
    absl::Status status;
    switch (source_->Next(&response_, &status)) {
      case Pull::kEnd:
        return FinishOnce(status);
      case Pull::kSend: {
        {
          MutexLock lock(mutex_);
          state_ = State::kWriting;
          write_began_ = absl::Now();
        }
        this->StartWrite(&response_);
        return;
      }
      case Pull::kWait:
        break;
    }
    source_->Arm([self = this->shared_from_this()] { self->Wake(); });
    {
      MutexLock lock(mutex_);
      if (!woken_) {
        state_ = State::kIdle;
        return;
      }
    }
    SubmitPull();
  }

  void FinishOnce(const absl::Status& status) {
    {
      MutexLock lock(mutex_);
      if (state_ == State::kFinished) return;
      state_ = State::kFinished;
    }
    this->Finish(ToGrpc(status));
  }

  grpc::CallbackServerContext* const context_;
  Executor& executor_;
  StreamSet& set_;
  const std::unique_ptr<PullSource<Response>> source_;
  Response response_;

  Mutex mutex_;
  State state_ TW_GUARDED_BY(mutex_) = State::kIdle;
  bool woken_ TW_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> end_ TW_GUARDED_BY(mutex_);
  absl::Time write_began_ TW_GUARDED_BY(mutex_);

  // Keeps this alive until OnDone.
  std::shared_ptr<PullStream> self_;
};

}  // namespace tokenwatch::common

// A server stream that asks its source for the next message when the last one has been taken: one message in memory,
// one write in flight, and a slow reader slows only itself.
//
//   grpc::ServerWriteReactor<Batch>* Tail(grpc::CallbackServerContext* context, const TailRequest* request) override {
//     auto stream = PullStream<Batch>::Start(executor_, [reader = log_.ReaderAt(request->cursor())](
//         Batch* batch, const std::atomic<bool>& ended) mutable -> absl::StatusOr<PullResult> { ... });
//     log_.OnAppend([weak = std::weak_ptr(stream)] { if (auto s = weak.lock()) s->Wake(); });
//     return stream.get();
//   }
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/rpc/status.h"
#include "common/sync/executor.h"
#include "common/sync/mutex.h"
#include "grpcpp/support/server_callback.h"

namespace tokenwatch::common {

enum class PullResult {
  kWrite,  // the response is filled: write it and ask again
  kIdle,   // nothing now: ask again after Wake()
  kEnd,    // the stream ends well; the response is not written
};

namespace rpc_internal {
// Counts a bug (site "rpc_stream_exception") and returns what the caller is told.
absl::Status StreamException(const std::exception& error);
}  // namespace rpc_internal

// Thread-safe. Lives until gRPC is done with the call, and longer if others hold it; after the end Wake and Close do
// nothing.
template <typename Response>
class PullStream final : public grpc::ServerWriteReactor<Response>,
                         public std::enable_shared_from_this<PullStream<Response>> {
 public:
  // Called on the executor, one call at a time, with an empty response. An error ends the stream with it. `ended` turns
  // true when the caller has gone or Close was called: a pull that waits should then return (anything).
  using Pull = absl::AnyInvocable<absl::StatusOr<PullResult>(Response* response, const std::atomic<bool>& ended)>;

  // A running stream; the handler returns its get() to gRPC. When the executor takes no more, the stream ends with
  // RESOURCE_EXHAUSTED, and the caller resumes from what it has.
  static std::shared_ptr<PullStream> Start(Executor& executor, Pull pull) {
    auto stream = std::shared_ptr<PullStream>(new PullStream(executor, std::move(pull)));
    stream->self_ = stream;
    stream->Submit();
    return stream;
  }

  // There may be something to pull. Cheap.
  void Wake() {
    {
      MutexLock lock(mutex_);
      woken_ = true;
      if (state_ != State::kParked) return;
      state_ = State::kPulling;
    }
    Submit();
  }

  // Ends the stream with `status` as soon as a pull or write under way is over.
  void Close(const absl::Status& status) {
    ended_ = true;
    {
      MutexLock lock(mutex_);
      if (!closing_.has_value()) closing_ = status;
      if (state_ != State::kParked) return;
    }
    End(status);
  }

 private:
  enum class State { kPulling, kWriting, kParked, kFinished };

  // A turn on the executor. One that is refused or dropped ends the stream: nobody would continue it.
  struct Turn {
    explicit Turn(std::shared_ptr<PullStream> of) : stream(std::move(of)) {}
    Turn(Turn&&) noexcept = default;
    ~Turn() {
      if (stream != nullptr) stream->End(absl::ResourceExhaustedError("the server is too busy: resume later"));
    }
    void operator()() && { std::exchange(stream, nullptr)->TakeTurn(); }
    std::shared_ptr<PullStream> stream;
  };

  PullStream(Executor& executor, Pull pull) : executor_(executor), pull_(std::move(pull)) {}

  void Submit() { executor_.TrySubmit(Turn(this->shared_from_this())); }

  void TakeTurn() {
    {
      MutexLock lock(mutex_);
      woken_ = false;  // a Wake from here on may be about something this pull does not see
    }
    response_.Clear();
    const absl::StatusOr<PullResult> result = PullOne();
    std::optional<absl::Status> end;
    {
      MutexLock lock(mutex_);
      if (ended_) {
        end = closing_.value_or(absl::CancelledError("the caller has gone"));
      } else if (!result.ok()) {
        end = result.status();
      } else if (*result == PullResult::kEnd) {
        end = absl::OkStatus();
      } else if (*result == PullResult::kWrite) {
        state_ = State::kWriting;
      } else if (!woken_) {
        state_ = State::kParked;
        return;
      }
    }
    if (end.has_value()) {
      End(*end);
    } else if (*result == PullResult::kWrite) {
      this->StartWrite(&response_);
    } else {
      Submit();
    }
  }

  absl::StatusOr<PullResult> PullOne() {
    if (ended_) return PullResult::kEnd;
    try {
      return pull_(&response_, ended_);
    } catch (const std::exception& error) {
      return rpc_internal::StreamException(error);
    }
  }

  void OnWriteDone(bool ok) override {
    std::optional<absl::Status> end;
    {
      MutexLock lock(mutex_);
      if (!ok || ended_) end = closing_.value_or(absl::CancelledError("the caller has gone"));
      state_ = State::kPulling;
    }
    if (end.has_value()) {
      End(*end);
    } else {
      Submit();
    }
  }

  void OnCancel() override {
    ended_ = true;
    {
      MutexLock lock(mutex_);
      if (state_ != State::kParked) return;
    }
    End(absl::CancelledError("the caller has gone"));
  }

  void OnDone() override { const std::shared_ptr<PullStream> last = std::move(self_); }

  void End(const absl::Status& status) {
    {
      MutexLock lock(mutex_);
      if (std::exchange(state_, State::kFinished) == State::kFinished) return;
    }
    this->Finish(ToGrpc(status));
  }

  Executor& executor_;
  Pull pull_;          // used by the turn only
  Response response_;  // used by the turn, then by gRPC until OnWriteDone
  std::atomic<bool> ended_{false};
  std::shared_ptr<PullStream> self_;  // from Start to OnDone

  Mutex mutex_;
  State state_ TW_GUARDED_BY(mutex_) = State::kPulling;
  bool woken_ TW_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> closing_ TW_GUARDED_BY(mutex_);
};

}  // namespace tokenwatch::common

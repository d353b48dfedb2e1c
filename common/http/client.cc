#include "common/http/client.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <curl/curl.h>

#include "absl/strings/str_cat.h"
#include "common/http/transfer.h"

namespace tokenwatch::common {
namespace {

// How long the thread sleeps when nothing asks for less; a wake-up ends it early.
constexpr int kIdlePollMs = 1000;

CURLM* MakeMulti(const HttpClientOptions& options) {
  // Initialised once for the process, and never undone: other users of libcurl may be about.
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(initialised);
  CURLM* multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(options.max_connections_per_host));
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(options.max_idle_connections));
  return multi;
}

absl::Status ShutDownError() { return absl::CancelledError("HTTP client is shut down"); }

}  // namespace

absl::StatusOr<HttpResponse> HttpFetcher::FetchSync(HttpRequest request) {
  struct Waiter {
    Mutex mutex;
    CondVar changed;
    std::optional<absl::StatusOr<HttpResponse>> result TW_GUARDED_BY(mutex);
  } waiter;
  Fetch(std::move(request), [&waiter](absl::StatusOr<HttpResponse> result) {
    MutexLock lock(waiter.mutex);
    waiter.result = std::move(result);
    // Under the lock: the waiter leaves this frame as soon as it is let go.
    waiter.changed.NotifyAll();
  });
  MutexLock lock(waiter.mutex);
  while (!waiter.result) waiter.changed.Wait(waiter.mutex);
  return *std::move(waiter.result);
}

HttpClient::HttpClient(HttpClientOptions options, Clock& clock)
    : options_(std::move(options)), clock_(clock), multi_(MakeMulti(options_)) {
  MutexLock lock(join_mutex_);
  thread_ = std::thread([this] { Run(); });
}

HttpClient::~HttpClient() {
  Shutdown();
  curl_multi_cleanup(multi_);
}

void HttpClient::Fetch(HttpRequest request, HttpCallback done) {
  const absl::Duration left = std::min(request.deadline - clock_.Now(), options_.total_timeout);
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(left);
  auto transfer = std::make_unique<HttpTransfer>(std::move(request), std::move(done), deadline);
  if (absl::Status refusal = Enqueue(transfer, left); !refusal.ok()) {
    transfer->Deliver(refusal);
    return;
  }
  curl_multi_wakeup(multi_);
}

absl::Status HttpClient::Enqueue(TransferPtr& transfer, absl::Duration left) {
  MutexLock lock(mutex_);
  if (stopping_) return ShutDownError();
  if (left <= absl::ZeroDuration()) return transfer->DeadlineError();
  if (queue_.size() >= options_.max_queued) {
    ++refused_;
    return absl::ResourceExhaustedError(
        absl::StrCat("HTTP client has ", queue_.size(), " requests queued already; send fewer at a time"));
  }
  queue_.push_back(std::move(transfer));
  return absl::OkStatus();
}

void HttpClient::Shutdown() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  curl_multi_wakeup(multi_);
  MutexLock lock(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

HttpClientStats HttpClient::stats() const {
  MutexLock lock(mutex_);
  return {.queued = queue_.size(), .in_flight = in_flight_, .completed = completed_, .refused = refused_};
}

void HttpClient::Run() {
  while (true) {
    {
      MutexLock lock(mutex_);
      if (stopping_) break;
    }
    StartQueued();
    int running = 0;
    curl_multi_perform(multi_, &running);
    CollectFinished();
    curl_multi_poll(multi_, nullptr, 0, PollTimeoutMs(), nullptr);
  }
  CancelAll();
}

int HttpClient::PollTimeoutMs() const {
  MutexLock lock(mutex_);
  if (!queue_.empty() && in_flight_ < options_.max_in_flight) return 0;
  int timeout_ms = kIdlePollMs;
  const auto now = std::chrono::steady_clock::now();
  for (const TransferPtr& waiting : queue_) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(waiting->deadline() - now);
    timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left.count() + 1, 0, timeout_ms));
  }
  return timeout_ms;
}

void HttpClient::StartQueued() {
  std::vector<TransferPtr> expired;
  std::vector<TransferPtr> ready;
  {
    MutexLock lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    const auto late = std::stable_partition(queue_.begin(), queue_.end(),
                                            [now](const TransferPtr& waiting) { return waiting->deadline() > now; });
    std::move(late, queue_.end(), std::back_inserter(expired));
    queue_.erase(late, queue_.end());
    while (!queue_.empty() && in_flight_ < options_.max_in_flight) {
      ready.push_back(std::move(queue_.front()));
      queue_.pop_front();
      ++in_flight_;
    }
    in_flight_ += expired.size();
  }
  for (TransferPtr& transfer : expired) {
    absl::Status error = transfer->DeadlineError();
    Complete(std::move(transfer), std::move(error));
  }
  for (TransferPtr& transfer : ready) {
    if (absl::Status status = transfer->Begin(options_); !status.ok()) {
      Complete(std::move(transfer), std::move(status));
    } else {
      Start(std::move(transfer));
    }
  }
}

void HttpClient::Start(TransferPtr transfer) {
  CURL* easy = transfer->handle();
  if (const CURLMcode code = curl_multi_add_handle(multi_, easy); code != CURLM_OK) {
    Complete(std::move(transfer), absl::InternalError(absl::StrCat("libcurl: ", curl_multi_strerror(code))));
    return;
  }
  active_[easy] = std::move(transfer);
}

void HttpClient::CollectFinished() {
  int remaining = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &remaining)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;
    curl_multi_remove_handle(multi_, easy);
    auto node = active_.extract(easy);
    TransferPtr transfer = std::move(node.mapped());
    if (auto result = transfer->EndHop(code, options_)) {
      Complete(std::move(transfer), *std::move(result));
    } else {
      Start(std::move(transfer));
    }
  }
}

void HttpClient::Complete(TransferPtr transfer, absl::StatusOr<HttpResponse> result) {
  {
    MutexLock lock(mutex_);
    --in_flight_;
    ++completed_;
  }
  transfer->Deliver(std::move(result));
}

void HttpClient::CancelAll() {
  std::deque<TransferPtr> waiting;
  {
    MutexLock lock(mutex_);
    waiting.swap(queue_);
    in_flight_ += waiting.size();
  }
  for (auto& [easy, transfer] : active_) {
    curl_multi_remove_handle(multi_, easy);
    waiting.push_back(std::move(transfer));
  }
  active_.clear();
  for (TransferPtr& transfer : waiting) Complete(std::move(transfer), ShutDownError());
}

}  // namespace tokenwatch::common

// HTTP client: libcurl's multi interface on one event thread of its own, with HTTP/2, kept connections and bounds.
//
// Thread contract: all of HttpClient may be called from any thread. Callbacks run on the event thread, or on the
// caller's when a fetch is refused at once; they must be quick, and may start further fetches but not FetchSync.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/http/message.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"

namespace tokenwatch::common {

using HttpCallback = std::function<void(absl::StatusOr<HttpResponse>)>;

// What users of HTTP depend on, so that a test can stand in for the network. Thread-safe.
class HttpFetcher {
 public:
  virtual ~HttpFetcher() = default;

  // Calls `done` exactly once. Any HTTP status is an answer, not an error. Errors:
  //   INVALID_ARGUMENT     URL, method or a header cannot be sent
  //   PERMISSION_DENIED    the request's guard refused a URL, a redirect or an address
  //   DEADLINE_EXCEEDED    the deadline, or the client's total time-out, passed; also while queued
  //   RESOURCE_EXHAUSTED   the queue is full, or the answer is larger than the request allows
  //   UNAVAILABLE          name not found, no connection, connection lost, answer cut short or not HTTP
  //   FAILED_PRECONDITION  too many redirects, a body redirected to another origin, an untrusted certificate
  //   CANCELLED            the client was shut down
  virtual void Fetch(HttpRequest request, HttpCallback done) = 0;

  // Fetch, and wait for it. Never from a callback of the same client: the thread that would answer is the one waiting.
  absl::StatusOr<HttpResponse> FetchSync(HttpRequest request);
};

struct HttpClientOptions {
  std::string user_agent = "tokenwatch/0.1";
  absl::Duration connect_timeout = absl::Seconds(5);
  // Upper bound of any fetch, with its redirects and its time in the queue.
  absl::Duration total_timeout = absl::Seconds(30);
  std::size_t max_in_flight = 64;
  std::size_t max_queued = 256;
  int max_connections_per_host = 8;
  // Kept open between fetches, over all hosts.
  int max_idle_connections = 64;
  // "http://host:port" or "socks5h://..."; empty: direct. The proxy variables of the environment are not read.
  std::string proxy = {};
  // Hosts reached directly, as CURLOPT_NOPROXY takes them.
  std::string no_proxy = {};
  // Behind a proxy nobody here sees the address that is connected to, so guarded requests go direct, unless the owner
  // says that the proxy itself refuses destinations that are not public.
  bool proxy_refuses_private_destinations = false;
  // PEM file of certificate authorities; empty: the system's.
  std::string ca_file = {};
  // "host:port:address": a host table that goes before DNS.
  std::vector<std::string> host_overrides = {};
};

struct HttpClientStats {
  std::size_t queued = 0;
  std::size_t in_flight = 0;
  std::uint64_t completed = 0;
  // Refused because the queue was full.
  std::uint64_t refused = 0;
};

class HttpTransfer;

class HttpClient final : public HttpFetcher {
 public:
  // `clock` says what a request's deadline means; waiting itself is done in real time. It must outlive the client.
  explicit HttpClient(HttpClientOptions options = {}, Clock& clock = SystemClock::Instance());
  // Shuts down.
  ~HttpClient() override;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  void Fetch(HttpRequest request, HttpCallback done) override;

  // Ends what is queued or in flight with CANCELLED, and joins the thread; later fetches are CANCELLED at once.
  // May be called more than once, not from a callback.
  void Shutdown();

  HttpClientStats stats() const;

 private:
  using TransferPtr = std::unique_ptr<HttpTransfer>;

  // Takes the transfer, or says why not and leaves it.
  absl::Status Enqueue(TransferPtr& transfer, absl::Duration left);
  void Run();
  void StartQueued();
  void Start(TransferPtr transfer);
  void CollectFinished();
  void Complete(TransferPtr transfer, absl::StatusOr<HttpResponse> result);
  void CancelAll();
  int PollTimeoutMs() const;

  const HttpClientOptions options_;
  Clock& clock_;
  // A CURLM*; void, so that curl's macros stay out of this header. Used by the event thread, but for wake-ups.
  void* const multi_;

  mutable Mutex mutex_;
  std::deque<TransferPtr> queue_ TW_GUARDED_BY(mutex_);
  bool stopping_ TW_GUARDED_BY(mutex_) = false;
  std::size_t in_flight_ TW_GUARDED_BY(mutex_) = 0;
  std::uint64_t completed_ TW_GUARDED_BY(mutex_) = 0;
  std::uint64_t refused_ TW_GUARDED_BY(mutex_) = 0;

  // Event thread only; the key is the CURL* of the running hop.
  std::unordered_map<void*, TransferPtr> active_;

  Mutex join_mutex_;
  std::thread thread_ TW_GUARDED_BY(join_mutex_);
};

}  // namespace tokenwatch::common

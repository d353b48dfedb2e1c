// One fetch of the HTTP client: its libcurl handle, what has been received, and its redirects.
// Internal to common/http. Owned by one thread at a time.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <curl/curl.h>

#include "absl/status/statusor.h"
#include "common/http/client.h"
#include "common/http/message.h"
#include "common/http/url.h"

namespace tokenwatch::common {

class HttpTransfer {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  HttpTransfer(HttpRequest request, HttpCallback done, SteadyTime deadline);

  // Makes the handle for the first hop. INVALID_ARGUMENT, PERMISSION_DENIED or DEADLINE_EXCEEDED.
  absl::Status Begin(const HttpClientOptions& options);

  // Takes the end of a hop. Nothing: a redirect is to be followed and handle() is a new one for it; else the outcome.
  std::optional<absl::StatusOr<HttpResponse>> EndHop(CURLcode code, const HttpClientOptions& options);

  CURL* handle() const { return easy_.get(); }
  SteadyTime deadline() const { return deadline_; }
  absl::Status DeadlineError() const;
  // Hands the outcome to the callback; once.
  void Deliver(absl::StatusOr<HttpResponse> result);

 private:
  struct EasyDeleter {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };
  struct ListDeleter {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  using List = std::unique_ptr<curl_slist, ListDeleter>;

  absl::Status PrepareHop(const HttpClientOptions& options);
  absl::Status SetHeaders();
  void SetMethod();
  void SetRoute(const HttpClientOptions& options);
  void SetLimits(const HttpClientOptions& options, std::chrono::milliseconds left);
  bool IsRedirect() const;
  absl::Status Redirect();
  absl::Status TransportError(CURLcode code) const;
  void FillTimings();
  bool Admit(const absl::Status& verdict);

  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* self);
  static curl_socket_t OnOpenSocket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int OnPrerequest(void* self, char* remote_ip, char* local_ip, int remote_port, int local_port);

  HttpRequest request_;
  HttpCallback done_;
  const SteadyTime created_;
  const SteadyTime deadline_;
  SteadyTime begun_{};

  Url url_;
  HttpResponse response_;
  std::size_t header_bytes_ = 0;
  bool too_large_ = false;
  bool guard_sees_address_ = false;
  // The guard's last refusal of an address; it counts only if the hop fails, as another address may be fine.
  absl::Status refusal_;
  char error_text_[CURL_ERROR_SIZE] = {};
  List header_list_;
  List host_overrides_;
  // Last, so that it goes first: it refers to what is above.
  std::unique_ptr<CURL, EasyDeleter> easy_;
};

}  // namespace tokenwatch::common

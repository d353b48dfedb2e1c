#include "common/http/transfer.h"

#include <utility>

#include <sys/socket.h>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/http/address_guard.h"

namespace tokenwatch::common {
namespace {

// An answer's header fields together; servers refuse requests with half of that.
constexpr std::size_t kMaxHeaderBytes = 64 << 10;

absl::Duration Since(HttpTransfer::SteadyTime from) {
  return absl::FromChrono(std::chrono::steady_clock::now() - from);
}

bool HasLineBreak(absl::string_view text) { return text.find_first_of(absl::string_view("\r\n\0", 3)) != text.npos; }

}  // namespace

HttpTransfer::HttpTransfer(HttpRequest request, HttpCallback done, SteadyTime deadline)
    : request_(std::move(request)),
      done_(std::move(done)),
      created_(std::chrono::steady_clock::now()),
      deadline_(deadline) {}

absl::Status HttpTransfer::Begin(const HttpClientOptions& options) {
  begun_ = std::chrono::steady_clock::now();
  absl::StatusOr<Url> url = request_.guard ? request_.guard->CheckUrl(request_.url) : ParseUrl(request_.url);
  if (!url.ok()) return url.status();
  if (url->scheme != "http" && url->scheme != "https") {
    return absl::InvalidArgumentError("URL scheme is not http or https");
  }
  url_ = *std::move(url);
  return PrepareHop(options);
}

absl::Status HttpTransfer::PrepareHop(const HttpClientOptions& options) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
  if (left.count() <= 0) return DeadlineError();
  HttpTimings timings = response_.timings;
  const int redirects = response_.redirects;
  response_ = HttpResponse();
  response_.redirects = redirects;
  response_.timings = timings;
  header_bytes_ = 0;
  refusal_ = absl::OkStatus();
  error_text_[0] = 0;

  easy_.reset(curl_easy_init());
  if (easy_ == nullptr) return absl::ResourceExhaustedError("libcurl has no memory for another transfer");
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_URL, url_.text.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
  // Waiting for a connection that is being made saves one where HTTP/2 is offered. Without TLS nothing tells libcurl
  // early that it is not, and requests would go one after another.
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, url_.scheme == "https" ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &HttpTransfer::OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &HttpTransfer::OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  if (!options.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
  SetLimits(options, left);
  SetRoute(options);
  SetMethod();
  return SetHeaders();
}

void HttpTransfer::SetLimits(const HttpClientOptions& options, std::chrono::milliseconds left) {
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // Without this a transfer that ends while its name is still being looked up blocks the whole thread until the
  // resolver gives up.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(options.connect_timeout)));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()));
  curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request_.max_body_bytes));
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

void HttpTransfer::SetRoute(const HttpClientOptions& options) {
  CURL* easy = easy_.get();
  const bool proxied = !options.proxy.empty() && (!request_.guard || options.proxy_refuses_private_destinations);
  // Set even when empty: libcurl would read the environment otherwise.
  curl_easy_setopt(easy, CURLOPT_PROXY, proxied ? options.proxy.c_str() : "");
  curl_easy_setopt(easy, CURLOPT_NOPROXY, options.no_proxy.c_str());
  host_overrides_.reset();
  for (const std::string& entry : options.host_overrides) {
    host_overrides_.reset(curl_slist_append(host_overrides_.release(), entry.c_str()));
  }
  if (host_overrides_) curl_easy_setopt(easy, CURLOPT_RESOLVE, host_overrides_.get());
  guard_sees_address_ = request_.guard != nullptr && !proxied;
  if (!guard_sees_address_) return;
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &HttpTransfer::OnOpenSocket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  // A kept connection is not opened again, so its address is looked at once more before the request goes out.
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &HttpTransfer::OnPrerequest);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, this);
}

void HttpTransfer::SetMethod() {
  CURL* easy = easy_.get();
  if (request_.method == "GET" && request_.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    return;
  }
  if (request_.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (request_.method == "POST" || !request_.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.data());
  }
  if (request_.method != "POST") curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
}

absl::Status HttpTransfer::SetHeaders() {
  for (const char c : request_.method) {
    if (!absl::ascii_isupper(static_cast<unsigned char>(c))) {
      return absl::InvalidArgumentError("HTTP method is not a word in capitals");
    }
  }
  header_list_.reset();
  // Waiting for "100 Continue" costs a second with servers that never send it.
  std::vector<std::string> lines = {"Expect:"};
  if (!request_.headers.Find("content-type")) lines.push_back("Content-Type:");
  for (const auto& [name, value] : request_.headers.fields()) {
    if (name.empty() || HasLineBreak(name) || HasLineBreak(value) || absl::StrContains(name, ':')) {
      return absl::InvalidArgumentError(absl::StrCat("header ", absl::CHexEscape(name), " cannot be sent"));
    }
    // libcurl removes a header written "Name:" and sends an empty one for "Name;".
    lines.push_back(value.empty() ? absl::StrCat(name, ";") : absl::StrCat(name, ": ", value));
  }
  for (const std::string& line : lines) {
    header_list_.reset(curl_slist_append(header_list_.release(), line.c_str()));
  }
  curl_easy_setopt(easy_.get(), CURLOPT_HTTPHEADER, header_list_.get());
  return absl::OkStatus();
}

std::optional<absl::StatusOr<HttpResponse>> HttpTransfer::EndHop(CURLcode code, const HttpClientOptions& options) {
  if (code != CURLE_OK) return TransportError(code);
  long status_code = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status_code);
  response_.status_code = static_cast<int>(status_code);
  FillTimings();
  if (IsRedirect()) {
    if (absl::Status status = Redirect(); !status.ok()) return status;
    if (absl::Status status = PrepareHop(options); !status.ok()) return status;
    return std::nullopt;
  }
  response_.final_url = url_.text;
  return std::move(response_);
}

bool HttpTransfer::IsRedirect() const {
  switch (response_.status_code) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return request_.max_redirects > 0 && response_.headers.Find("location").has_value();
    default:
      return false;
  }
}

absl::Status HttpTransfer::Redirect() {
  if (++response_.redirects > request_.max_redirects) {
    return absl::FailedPreconditionError(
        absl::StrCat(url_.Origin(), " redirects more than ", request_.max_redirects, " times"));
  }
  const absl::string_view location = *response_.headers.Find("location");
  absl::StatusOr<Url> next =
      request_.guard ? request_.guard->CheckRedirect(url_, location) : ResolveUrl(url_, location);
  if (!next.ok()) {
    return absl::Status(next.status().code(),
                        absl::StrCat("redirect by ", url_.Origin(), " refused: ", next.status().message()));
  }
  if (next->scheme != "http" && next->scheme != "https") {
    return absl::InvalidArgumentError(absl::StrCat("redirect by ", url_.Origin(), " is not to http or https"));
  }
  const bool keeps_method = response_.status_code == 307 || response_.status_code == 308;
  if (!keeps_method && request_.method != "HEAD" && (response_.status_code == 303 || request_.method == "POST")) {
    request_.method = "GET";
    request_.body.clear();
  }
  if (next->Origin() != url_.Origin()) {
    if (!request_.body.empty()) {
      return absl::FailedPreconditionError(
          absl::StrCat(url_.Origin(), " redirects a request with a body to another origin"));
    }
    request_.headers = HttpHeaders();
  }
  url_ = *std::move(next);
  return absl::OkStatus();
}

absl::Status HttpTransfer::DeadlineError() const {
  const std::string whom = url_.host.empty() ? "request" : url_.Origin();
  return absl::DeadlineExceededError(
      absl::StrCat(whom, " was not answered within ", absl::FormatDuration(Since(created_))));
}

absl::Status HttpTransfer::TransportError(CURLcode code) const {
  const std::string text = absl::StrCat(url_.Origin(), ": ", error_text_[0] ? error_text_ : curl_easy_strerror(code));
  // Refusals first: libcurl reports them as failures to connect, or as aborted.
  if (!refusal_.ok()) return refusal_;
  if (too_large_ || code == CURLE_FILESIZE_EXCEEDED) {
    return absl::ResourceExhaustedError(absl::StrCat(url_.Origin(), ": answer is larger than the allowed ",
                                                     request_.max_body_bytes, " bytes of body or ", kMaxHeaderBytes,
                                                     " of headers"));
  }
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      // libcurl's time-outs may fire up to a millisecond early; the rest is the connect time-out.
      if (std::chrono::steady_clock::now() + std::chrono::milliseconds(2) >= deadline_) return DeadlineError();
      return absl::UnavailableError(text);
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
      return absl::InvalidArgumentError(text);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return absl::FailedPreconditionError(absl::StrCat(text, "; check the certificate, or set the CA file"));
    case CURLE_OUT_OF_MEMORY:
      return absl::ResourceExhaustedError(text);
    default:
      return absl::UnavailableError(text);
  }
}

void HttpTransfer::FillTimings() {
  const auto read = [this](CURLINFO what) {
    curl_off_t microseconds = 0;
    curl_easy_getinfo(easy_.get(), what, &microseconds);
    return absl::Microseconds(microseconds);
  };
  response_.timings.queued = absl::FromChrono(begun_ - created_);
  response_.timings.connected = read(CURLINFO_PRETRANSFER_TIME_T);
  response_.timings.first_byte = read(CURLINFO_STARTTRANSFER_TIME_T);
  response_.timings.total = Since(created_);
}

void HttpTransfer::Deliver(absl::StatusOr<HttpResponse> result) {
  const HttpCallback done = std::move(done_);
  done(std::move(result));
}

bool HttpTransfer::Admit(const absl::Status& verdict) {
  refusal_ = verdict;
  return verdict.ok();
}

std::size_t HttpTransfer::OnBody(char* data, std::size_t size, std::size_t count, void* self) {
  auto* transfer = static_cast<HttpTransfer*>(self);
  const std::size_t bytes = size * count;
  if (bytes > transfer->request_.max_body_bytes - transfer->response_.body.size()) {
    transfer->too_large_ = true;
    return 0;
  }
  transfer->response_.body.append(data, bytes);
  return bytes;
}

std::size_t HttpTransfer::OnHeader(char* data, std::size_t size, std::size_t count, void* self) {
  auto* transfer = static_cast<HttpTransfer*>(self);
  const std::size_t bytes = size * count;
  transfer->header_bytes_ += bytes;
  if (transfer->header_bytes_ > kMaxHeaderBytes) {
    transfer->too_large_ = true;
    return 0;
  }
  const absl::string_view line(data, bytes);
  if (absl::StartsWith(line, "HTTP/")) {
    // A new status line: what came before belonged to an interim (1xx) answer.
    transfer->response_.headers = HttpHeaders();
    return bytes;
  }
  const auto colon = line.find(':');
  if (colon != absl::string_view::npos) {
    transfer->response_.headers.Add(absl::StripAsciiWhitespace(line.substr(0, colon)),
                                    absl::StripAsciiWhitespace(line.substr(colon + 1)));
  }
  return bytes;
}

curl_socket_t HttpTransfer::OnOpenSocket(void* self, curlsocktype /*purpose*/, curl_sockaddr* address) {
  auto* transfer = static_cast<HttpTransfer*>(self);
  if (!transfer->Admit(transfer->request_.guard->CheckAddress(&address->addr))) return CURL_SOCKET_BAD;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int HttpTransfer::OnPrerequest(void* self, char* remote_ip, char* /*local_ip*/, int remote_port, int /*local_port*/) {
  auto* transfer = static_cast<HttpTransfer*>(self);
  const auto port = static_cast<std::uint16_t>(remote_port);
  return transfer->Admit(transfer->request_.guard->CheckAddress(remote_ip, port)) ? CURL_PREREQFUNC_OK
                                                                                  : CURL_PREREQFUNC_ABORT;
}

}  // namespace tokenwatch::common

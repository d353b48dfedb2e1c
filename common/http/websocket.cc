#include "common/http/websocket.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "absl/strings/numbers.h"
#include "common/http/websocket_session.h"
#include "common/sync/mutex.h"

namespace tokenwatch::common {
namespace {

namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;
using PlainSession = WebSocketSessionOver<boost::beast::tcp_stream>;
using TlsSession = WebSocketSessionOver<boost::beast::ssl_stream<boost::beast::tcp_stream>>;

// A refused handshake may ask for a longer pause than the backoff's; believed up to here.
constexpr absl::Duration kMaxRetryAfter = absl::Minutes(10);
constexpr auto kLogInterval = std::chrono::seconds(1);

}  // namespace

class WebSocketClient::Core final : public WebSocketSessionOwner {
 public:
  Core(WebSocketOptions options, Url url, WebSocketHandler handler, UniformRandom random, Clock& clock)
      : options_(std::move(options)),
        url_(std::move(url)),
        handler_(std::move(handler)),
        clock_(clock),
        tls_(asio::ssl::context::tls_client),
        work_(asio::make_work_guard(io_)),
        retry_timer_(io_),
        silence_timer_(io_),
        backoff_(options_.backoff, std::move(random)) {}

  absl::Status LoadAuthorities() {
    if (url_.scheme != "wss") return absl::OkStatus();
    boost::system::error_code error;
    tls_.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
    tls_.set_verify_mode(asio::ssl::verify_peer);
    if (options_.ca_file.empty()) {
      tls_.set_default_verify_paths(error);
    } else {
      tls_.load_verify_file(options_.ca_file, error);
    }
    if (error) {
      return absl::FailedPreconditionError(
          absl::StrCat("certificate authorities ", options_.ca_file, " cannot be loaded: ", error.message()));
    }
    return absl::OkStatus();
  }

  void Start() {
    MutexLock lock(join_mutex_);
    if (started_) return;
    started_ = true;
    asio::post(io_, [this] { Connect(); });
    thread_ = std::thread([this] { io_.run(); });
  }

  void Stop() {
    MutexLock lock(join_mutex_);
    started_ = true;
    if (!thread_.joinable()) return;
    asio::post(io_, [this] {
      stopping_ = true;
      retry_timer_.cancel();
      if (session_) {
        session_->Close();
      } else {
        work_.reset();
      }
    });
    thread_.join();
  }

  absl::Status Send(std::string message) {
    std::uint64_t connection = 0;
    {
      MutexLock lock(mutex_);
      if (!stats_.open) return absl::UnavailableError(absl::StrCat(url_.Origin(), ": no WebSocket is open"));
      if (pending_ >= options_.max_outbound) {
        ++stats_.refused;
        return absl::ResourceExhaustedError(
            absl::StrCat(url_.Origin(), ": ", pending_, " messages wait to be written already; send fewer"));
      }
      ++pending_;
      connection = stats_.opened;
    }
    asio::post(io_, [this, connection, text = std::move(message)]() mutable {
      if (!IsOpen(connection)) return;
      session_->Write(std::move(text));
    });
    return absl::OkStatus();
  }

  WebSocketStats stats() const {
    MutexLock lock(mutex_);
    return stats_;
  }

 private:
  // Whether the connection that was the n-th to open still is.
  bool IsOpen(std::uint64_t connection) const {
    MutexLock lock(mutex_);
    return stats_.open && stats_.opened == connection;
  }

  void Connect() {
    if (stopping_) return;
    {
      MutexLock lock(mutex_);
      ++stats_.attempts;
    }
    if (url_.scheme == "wss") {
      session_ = std::make_shared<TlsSession>(io_, options_, url_, *this, tls_);
    } else {
      session_ = std::make_shared<PlainSession>(io_, options_, url_, *this);
    }
    session_->Run();
  }

  void OnSessionOpen() override {
    {
      MutexLock lock(mutex_);
      stats_.open = true;
      ++stats_.opened;
      pending_ = 0;
    }
    opened_at_ = last_message_ = Steady::now();
    Log(absl::StrCat(url_.Origin(), ": WebSocket open"));
    if (handler_.on_open) handler_.on_open();
    warned_ = false;
    WatchSilence();
  }

  void OnSessionMessage(absl::string_view message) override {
    const absl::Time received_at = clock_.Now();
    {
      MutexLock lock(mutex_);
      ++stats_.messages;
      stats_.bytes += message.size();
    }
    if (handler_.on_text) handler_.on_text(message, received_at);
    // After the handler: while it runs nothing is read, and that silence is ours.
    last_message_ = Steady::now();
    warned_ = false;
  }

  void OnSessionWritten() override {
    MutexLock lock(mutex_);
    --pending_;
  }

  void OnSessionEnd(absl::Status reason, std::string retry_after_text) override {
    {
      MutexLock lock(mutex_);
      stats_.open = false;
      pending_ = 0;
    }
    silence_timer_.cancel();
    session_.reset();
    if (handler_.on_close) handler_.on_close(reason);
    if (stopping_) {
      work_.reset();
      return;
    }
    if (opened_at_ && absl::FromChrono(Steady::now() - *opened_at_) >= options_.stable_after) backoff_.Reset();
    opened_at_.reset();
    absl::Duration delay = backoff_.Next();
    int seconds = 0;
    if (absl::SimpleAtoi(retry_after_text, &seconds) && seconds > 0) {
      delay = std::max(delay, std::min(absl::Seconds(seconds), kMaxRetryAfter));
    }
    Log(absl::StrCat(std::string(reason.message()), "; trying again in ", absl::FormatDuration(delay)));
    retry_timer_.expires_after(absl::ToChronoMicroseconds(delay));
    retry_timer_.async_wait([this](boost::system::error_code error) {
      if (!error) Connect();
    });
  }

  void WatchSilence() {
    const absl::Duration silence = absl::FromChrono(Steady::now() - last_message_);
    if (silence >= options_.silence_reconnect) {
      {
        MutexLock lock(mutex_);
        ++stats_.silences;
      }
      session_->Abort(absl::DeadlineExceededError(
          absl::StrCat(url_.Origin(), " has sent nothing for ", absl::FormatDuration(silence))));
      return;
    }
    if (silence >= options_.silence_warn && !warned_) {
      warned_ = true;
      Log(absl::StrCat(url_.Origin(), ": silent for ", absl::FormatDuration(silence)));
      if (handler_.on_silence) handler_.on_silence(silence);
    }
    const absl::Duration limit =
        warned_ ? options_.silence_reconnect : std::min(options_.silence_warn, options_.silence_reconnect);
    silence_timer_.expires_at(last_message_ + absl::ToChronoMicroseconds(limit));
    silence_timer_.async_wait([this, watched = std::weak_ptr(session_)](boost::system::error_code error) {
      if (!error && session_ != nullptr && watched.lock() == session_) WatchSilence();
    });
  }

  void Log(absl::string_view line) {
    const auto now = Steady::now();
    if (last_log_ && now - *last_log_ < kLogInterval) {
      ++suppressed_;
      return;
    }
    last_log_ = now;
    if (handler_.on_log) handler_.on_log(line, std::exchange(suppressed_, 0));
  }

  const WebSocketOptions options_;
  const Url url_;
  const WebSocketHandler handler_;
  Clock& clock_;

  mutable Mutex mutex_;
  WebSocketStats stats_ TW_GUARDED_BY(mutex_);
  // Messages taken by Send and not yet written.
  std::size_t pending_ TW_GUARDED_BY(mutex_) = 0;

  Mutex join_mutex_;
  bool started_ TW_GUARDED_BY(join_mutex_) = false;
  std::thread thread_ TW_GUARDED_BY(join_mutex_);

  // From here on: the client's own thread only.
  asio::io_context io_{1};
  asio::ssl::context tls_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer retry_timer_;
  asio::steady_timer silence_timer_;
  std::shared_ptr<WebSocketSession> session_;
  Backoff backoff_;
  bool stopping_ = false;
  bool warned_ = false;
  Steady::time_point last_message_;
  std::optional<Steady::time_point> opened_at_;
  std::optional<Steady::time_point> last_log_;
  std::uint64_t suppressed_ = 0;
};

WebSocketClient::WebSocketClient(std::unique_ptr<Core> core) : core_(std::move(core)) {}

WebSocketClient::~WebSocketClient() { Stop(); }

absl::StatusOr<std::unique_ptr<WebSocketClient>> WebSocketClient::Create(WebSocketOptions options,
                                                                         WebSocketHandler handler, UniformRandom random,
                                                                         Clock& clock) {
  absl::StatusOr<Url> url = ParseUrl(options.url);
  if (!url.ok()) return url.status();
  if ((url->scheme != "ws" && url->scheme != "wss") || url->has_user_info) {
    return absl::InvalidArgumentError("WebSocket URL must begin with ws:// or wss:// and carry no user-info");
  }
  auto core = std::make_unique<Core>(std::move(options), *std::move(url), std::move(handler), std::move(random), clock);
  if (absl::Status status = core->LoadAuthorities(); !status.ok()) return status;
  return std::unique_ptr<WebSocketClient>(new WebSocketClient(std::move(core)));
}

void WebSocketClient::Start() { core_->Start(); }
void WebSocketClient::Stop() { core_->Stop(); }
absl::Status WebSocketClient::Send(std::string message) { return core_->Send(std::move(message)); }
WebSocketStats WebSocketClient::stats() const { return core_->stats(); }

}  // namespace tokenwatch::common

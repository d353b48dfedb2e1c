// One WebSocket connection, from name lookup to closed socket, over TCP or TLS.
// Internal to common/http. All of it runs on the thread of the io_context.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/http/url.h"
#include "common/http/websocket.h"

namespace tokenwatch::common {

// What a session tells its owner. OnSessionEnd comes exactly once, last, when the socket is closed.
class WebSocketSessionOwner {
 public:
  virtual ~WebSocketSessionOwner() = default;
  virtual void OnSessionOpen() = 0;
  virtual void OnSessionMessage(absl::string_view message) = 0;
  virtual void OnSessionWritten() = 0;
  // `retry_after_text`: the Retry-After header of a refused handshake, or empty.
  virtual void OnSessionEnd(absl::Status reason, std::string retry_after_text) = 0;
};

class WebSocketSession {
 public:
  virtual ~WebSocketSession() = default;
  virtual void Run() = 0;
  virtual void Write(std::string message) = 0;
  // Ends with `reason`, at once.
  virtual void Abort(absl::Status reason) = 0;
  // Ends with CANCELLED: after the closing handshake where there is a connection.
  virtual void Close() = 0;
};

// `Stream` is beast::tcp_stream or beast::ssl_stream<beast::tcp_stream>; `args` go to its constructor.
template <typename Stream>
class WebSocketSessionOver final : public WebSocketSession,
                                   public std::enable_shared_from_this<WebSocketSessionOver<Stream>> {
  using ErrorCode = boost::beast::error_code;
  using Tcp = boost::asio::ip::tcp;
  static constexpr bool kTls = !std::is_same_v<Stream, boost::beast::tcp_stream>;

 public:
  template <typename... Args>
  WebSocketSessionOver(boost::asio::io_context& io, const WebSocketOptions& options, const Url& url,
                       WebSocketSessionOwner& owner, Args&... args)
      : options_(options), url_(url), owner_(owner), resolver_(io), timer_(io), stream_(io, args...) {}

  void Run() override {
    StartTimer(options_.connect_timeout,
               absl::DeadlineExceededError(absl::StrCat(url_.Origin(), " did not open a WebSocket within ",
                                                        absl::FormatDuration(options_.connect_timeout))));
    resolver_.async_resolve(url_.host, std::to_string(url_.port),
                            [self = this->shared_from_this()](ErrorCode error, Tcp::resolver::results_type found) {
                              self->OnResolved(error, std::move(found));
                            });
  }

  void Write(std::string message) override {
    outbound_.push_back(std::move(message));
    if (outbound_.size() == 1) WriteNext();
  }

  void Abort(absl::Status reason) override {
    if (planned_end_.ok()) planned_end_ = std::move(reason);
    resolver_.cancel();
    Lowest().close();
    // The read under way, if any, would report it too; the name lookup must be waited for.
    if (connected_) End(planned_end_);
  }

  void Close() override {
    if (!open_) {
      Abort(absl::CancelledError("stopped"));
      return;
    }
    if (planned_end_.ok()) planned_end_ = absl::CancelledError("stopped");
    StartTimer(options_.close_timeout, planned_end_);
    stream_.async_close(boost::beast::websocket::close_code::normal,
                        [self = this->shared_from_this()](ErrorCode) { self->End(self->planned_end_); });
  }

 private:
  auto& Lowest() { return boost::beast::get_lowest_layer(stream_); }

  void StartTimer(absl::Duration after, absl::Status reason) {
    timer_.expires_after(absl::ToChronoMilliseconds(after));
    timer_.async_wait([self = this->shared_from_this(), reason = std::move(reason)](ErrorCode error) {
      if (!error) self->Abort(reason);
    });
  }

  void OnResolved(ErrorCode error, Tcp::resolver::results_type found) {
    if (error || !planned_end_.ok()) return Fail("name lookup", error);
    Lowest().async_connect(found, [self = this->shared_from_this()](ErrorCode result, const Tcp::endpoint&) {
      self->OnConnected(result);
    });
  }

  void OnConnected(ErrorCode error) {
    if (error || !planned_end_.ok()) return Fail("connect", error);
    connected_ = true;
    Lowest().expires_never();
    ErrorCode ignored;
    Lowest().socket().set_option(Tcp::no_delay(true), ignored);
    if constexpr (kTls) {
      auto& tls = stream_.next_layer();
      boost::asio::ip::make_address(url_.host, ignored);
      // Server name indication is for names only.
      if (ignored && SSL_set_tlsext_host_name(tls.native_handle(), url_.host.c_str()) != 1) {
        return End(absl::InternalError("TLS server name cannot be set"));
      }
      tls.set_verify_callback(boost::asio::ssl::host_name_verification(url_.host));
      tls.async_handshake(boost::asio::ssl::stream_base::client,
                          [self = this->shared_from_this()](ErrorCode result) { self->OnSecured(result); });
    } else {
      OnSecured({});
    }
  }

  void OnSecured(ErrorCode error) {
    namespace websocket = boost::beast::websocket;
    if (error) return Fail("TLS handshake", error);
    stream_.set_option(websocket::stream_base::decorator([this](websocket::request_type& request) {
      request.set(boost::beast::http::field::user_agent, options_.user_agent);
      for (const auto& [name, value] : options_.headers.fields()) request.set(name, value);
    }));
    websocket::permessage_deflate deflate;
    deflate.client_enable = options_.permessage_deflate;
    stream_.set_option(deflate);
    stream_.read_message_max(options_.max_message_bytes);
    const bool default_port = url_.port == (kTls ? 443 : 80);
    const std::string bracketed = url_.host.find(':') == std::string::npos ? url_.host : "[" + url_.host + "]";
    stream_.async_handshake(response_, default_port ? bracketed : absl::StrCat(bracketed, ":", url_.port), url_.target,
                            [self = this->shared_from_this()](ErrorCode result) { self->OnHandshake(result); });
  }

  void OnHandshake(ErrorCode error) {
    if (error == boost::beast::websocket::error::upgrade_declined) {
      retry_after_text_ = std::string(response_[boost::beast::http::field::retry_after]);
      return End(absl::UnavailableError(
          absl::StrCat(url_.Origin(), " refused the WebSocket handshake with HTTP status ", response_.result_int())));
    }
    if (error || !planned_end_.ok()) return Fail("WebSocket handshake", error);
    timer_.cancel();
    // Beast pings after half of the idle time-out.
    stream_.set_option(boost::beast::websocket::stream_base::timeout{
        .handshake_timeout = boost::beast::websocket::stream_base::none(),
        .idle_timeout = absl::ToChronoMilliseconds(2 * options_.ping_interval),
        .keep_alive_pings = true});
    stream_.text(true);
    open_ = true;
    owner_.OnSessionOpen();
    Read();
  }

  void Read() {
    if (ended_) return;
    stream_.async_read(buffer_, [self = this->shared_from_this()](ErrorCode error, std::size_t) {
      if (error || self->ended_) return self->Fail("read", error);
      const auto data = self->buffer_.cdata();
      self->owner_.OnSessionMessage(absl::string_view(static_cast<const char*>(data.data()), data.size()));
      self->buffer_.consume(self->buffer_.size());
      self->Read();
    });
  }

  void WriteNext() {
    stream_.async_write(boost::asio::buffer(outbound_.front()),
                        [self = this->shared_from_this()](ErrorCode error, std::size_t) {
                          if (self->ended_) return;
                          if (error) return self->Fail("write", error);
                          self->outbound_.pop_front();
                          self->owner_.OnSessionWritten();
                          if (!self->outbound_.empty()) self->WriteNext();
                        });
  }

  void Fail(absl::string_view what, ErrorCode error) {
    namespace websocket = boost::beast::websocket;
    if (!planned_end_.ok()) return End(planned_end_);
    const std::string origin = url_.Origin();
    if (error == websocket::error::closed) {
      const auto& close = stream_.reason();
      return End(absl::UnavailableError(
          absl::StrCat(origin, " closed the WebSocket with code ", static_cast<int>(close.code), " ",
                       absl::CHexEscape(absl::string_view(close.reason.data(), close.reason.size())))));
    }
    if (error == websocket::error::message_too_big || error == websocket::error::buffer_overflow) {
      return End(absl::ResourceExhaustedError(
          absl::StrCat(origin, " sent a message larger than ", options_.max_message_bytes, " bytes")));
    }
    if (error == boost::beast::error::timeout) {
      return End(absl::DeadlineExceededError(absl::StrCat(origin, " does not answer pings")));
    }
    std::string text = absl::StrCat(origin, ": ", std::string(what), ": ", error.message());
    if (error.category() == boost::asio::error::get_ssl_category() &&
        ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
      return End(absl::FailedPreconditionError(text + "; check the certificate, or set the CA file"));
    }
    End(absl::UnavailableError(text));
  }

  void End(absl::Status reason) {
    if (ended_) return;
    ended_ = true;
    open_ = false;
    timer_.cancel();
    Lowest().close();
    owner_.OnSessionEnd(std::move(reason), std::move(retry_after_text_));
  }

  const WebSocketOptions& options_;
  const Url& url_;
  WebSocketSessionOwner& owner_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::steady_timer timer_;
  boost::beast::websocket::stream<Stream> stream_;
  boost::beast::flat_buffer buffer_;
  boost::beast::websocket::response_type response_;
  std::deque<std::string> outbound_;
  std::string retry_after_text_;
  // Not OK once it is decided how this ends; what operations report afterwards is only its consequence.
  absl::Status planned_end_;
  bool connected_ = false;
  bool open_ = false;
  bool ended_ = false;
};

}  // namespace tokenwatch::common

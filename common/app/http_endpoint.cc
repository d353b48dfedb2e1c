#include "common/app/http_endpoint.h"

#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/core/tcp_stream.hpp"
#include "boost/beast/http.hpp"

namespace tokenwatch::common {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using boost::system::error_code;

absl::Status CannotListen(const HttpEndpointOptions& options, const error_code& error) {
  return absl::UnavailableError(absl::StrCat("HTTP cannot listen on ", options.address, ":", options.port, ": ",
                                             error.message(), ": choose another port or end the process that has it"));
}

}  // namespace

// Everything but construction and destruction happens on thread_.
class HttpEndpoint::Server {
 public:
  Server(const HttpEndpointOptions& options, std::map<std::string, Handler> handlers)
      : options_(options), handlers_(std::move(handlers)), acceptor_(context_) {}

  ~Server() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Listen() {
    error_code error;
    const asio::ip::address address = asio::ip::make_address(options_.address, error);
    if (error) return absl::InvalidArgumentError(absl::StrCat(options_.address, " is not an IP address"));
    const Tcp::endpoint endpoint(address, static_cast<unsigned short>(options_.port));
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return CannotListen(options_, error);
    port_ = acceptor_.local_endpoint().port();
    Accept();
    thread_ = std::thread([this] { context_.run(); });
    return absl::OkStatus();
  }

  int port() const { return port_; }

 private:
  // One connection. Keeps itself alive through the handlers it waits for.
  class Session : public std::enable_shared_from_this<Session> {
   public:
    Session(Server& server, Tcp::socket socket) : server_(server), stream_(std::move(socket)) {
      ++server_.connections_;
    }
    ~Session() { --server_.connections_; }

    void Read() {
      parser_.emplace();
      parser_->header_limit(static_cast<std::uint32_t>(server_.options_.max_request_bytes));
      parser_->body_limit(server_.options_.max_request_bytes);
      stream_.expires_after(absl::ToChronoMilliseconds(server_.options_.timeout));
      http::async_read(stream_, buffer_, *parser_,
                       [self = shared_from_this()](const error_code& error, size_t) { self->OnRead(error); });
    }

   private:
    void OnRead(const error_code& error) {
      if (error) return;  // gone, too slow, too large or not HTTP: the connection ends with this object
      response_ = server_.Answer(parser_->get());
      stream_.expires_after(absl::ToChronoMilliseconds(server_.options_.timeout));
      http::async_write(stream_, response_, [self = shared_from_this()](const error_code& write_error, size_t) {
        if (write_error) return;
        if (self->response_.need_eof()) {
          error_code ignored;
          self->stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
        } else {
          self->Read();
        }
      });
    }

    Server& server_;
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::string_body> response_;
  };

  void Accept() {
    acceptor_.async_accept([this](const error_code& error, Tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      // Out of descriptors: try again when there may be some, instead of in a busy loop.
      if (error) return AcceptLater();
      if (connections_ < options_.max_connections) std::make_shared<Session>(*this, std::move(socket))->Read();
      Accept();
    });
  }

  void AcceptLater() {
    retry_.expires_after(std::chrono::milliseconds(100));
    retry_.async_wait([this](const error_code& error) {
      if (!error) Accept();
    });
  }

  http::response<http::string_body> Answer(const http::request<http::string_body>& request) {
    HttpReply reply;
    const auto target = request.target().substr(0, request.target().find('?'));
    const auto handler = handlers_.find(std::string(target));
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      reply = {.status = 405, .body = "only GET and HEAD\n"};
    } else if (handler == handlers_.end()) {
      reply = {.status = 404, .body = "no such page\n"};
    } else {
      reply = handler->second();
    }
    http::response<http::string_body> response(static_cast<http::status>(reply.status), request.version());
    response.set(http::field::content_type, reply.content_type);
    response.keep_alive(request.keep_alive());
    response.body() = std::move(reply.body);
    response.prepare_payload();
    if (request.method() == http::verb::head) response.body().clear();  // the length stays that of the GET
    return response;
  }

  const HttpEndpointOptions options_;
  const std::map<std::string, Handler> handlers_;
  int port_ = 0;
  // Before the context: pending handlers own sessions, which count themselves down when the context destroys them.
  size_t connections_ = 0;
  asio::io_context context_{1};
  Tcp::acceptor acceptor_;
  asio::steady_timer retry_{context_};
  std::thread thread_;
};

HttpEndpoint::HttpEndpoint(std::unique_ptr<Server> server) : server_(std::move(server)) {}
HttpEndpoint::~HttpEndpoint() = default;

absl::StatusOr<std::unique_ptr<HttpEndpoint>> HttpEndpoint::Start(const HttpEndpointOptions& options,
                                                                  std::map<std::string, Handler> handlers) {
  auto server = std::make_unique<Server>(options, std::move(handlers));
  if (absl::Status status = server->Listen(); !status.ok()) return status;
  return std::unique_ptr<HttpEndpoint>(new HttpEndpoint(std::move(server)));
}

int HttpEndpoint::port() const { return server_->port(); }

}  // namespace tokenwatch::common

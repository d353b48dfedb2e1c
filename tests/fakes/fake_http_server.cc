#include "tests/fakes/fake_http_server.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace tokenwatch::fakes {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using common::MutexLock;

constexpr std::size_t kMaxRequestBytes = std::size_t{64} << 20;

// Dissolves the connection with RST instead of FIN, however many descriptors refer to it.
void Reset(int socket) {
  sockaddr none = {};
  none.sa_family = AF_UNSPEC;
  // Should it fail, the connection ends with FIN, and a test that needs the reset says so.
  static_cast<void>(connect(socket, &none, sizeof(none)));
}

// Until the other side closes, so that a stalled connection ends with its client.
bool PeerClosed(int socket) {
  pollfd poll_one = {.fd = socket, .events = POLLRDHUP, .revents = 0};
  return poll(&poll_one, 1, 0) > 0;
}

}  // namespace

struct FakeHttpServer::Tls {
  Tls() : context(asio::ssl::context::tls_server) {}
  asio::ssl::context context;
};

struct FakeHttpServer::Connection {
  int socket = -1;
  std::atomic<bool> finished = false;
  std::thread thread;
};

std::string RecordedRequest::Path() const { return target.substr(0, target.find('?')); }

FakeHttpServer::FakeHttpServer(FakeHttpServerOptions options) : options_(std::move(options)) {
  if (options_.tls) {
    tls_ = std::make_unique<Tls>();
    tls_->context.use_certificate_chain(asio::buffer(options_.tls->certificate));
    tls_->context.use_private_key(asio::buffer(options_.tls->private_key), asio::ssl::context::pem);
  }
  const auto fail = [](const char* what) { throw std::system_error(errno, std::generic_category(), what); };
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener_ < 0) fail("socket");
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(options_.port);
  inet_pton(AF_INET, options_.address.c_str(), &address.sin_addr);
  socklen_t size = sizeof(address);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 128) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    fail("fake HTTP server cannot listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

FakeHttpServer::~FakeHttpServer() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  // Wakes the blocked accept().
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
  Reap(/*all=*/true);
}

void FakeHttpServer::Route(absl::string_view path, FakeHandler handler) {
  MutexLock lock(mutex_);
  exact_[std::string(path)] = std::move(handler);
}

void FakeHttpServer::Route(absl::string_view path, FakeReply reply) {
  Route(path, [reply = std::move(reply)](const RecordedRequest&) { return reply; });
}

void FakeHttpServer::RoutePrefix(absl::string_view prefix, FakeHandler handler) {
  RouteIf(
      [text = std::string(prefix)](const RecordedRequest& request) { return absl::StartsWith(request.target, text); },
      std::move(handler));
}

void FakeHttpServer::RouteIf(std::function<bool(const RecordedRequest&)> predicate, FakeHandler handler) {
  MutexLock lock(mutex_);
  routes_.emplace_back(std::move(predicate), std::move(handler));
}

void FakeHttpServer::Inject(absl::string_view prefix, FakeReply reply, int times) {
  MutexLock lock(mutex_);
  injections_.push_back({std::string(prefix), std::move(reply), times});
}

std::string FakeHttpServer::Url(absl::string_view path) const {
  return absl::StrCat(tls_ ? "https://" : "http://", options_.address, ":", port_, path);
}

std::vector<RecordedRequest> FakeHttpServer::requests() const {
  MutexLock lock(mutex_);
  return requests_;
}

int FakeHttpServer::Count(absl::string_view prefix) const {
  MutexLock lock(mutex_);
  return static_cast<int>(std::count_if(requests_.begin(), requests_.end(), [prefix](const RecordedRequest& request) {
    return absl::StartsWith(request.target, prefix);
  }));
}

void FakeHttpServer::Accept() {
  while (true) {
    const int accepted = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (accepted < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return;
    }
    const int on = 1;
    setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ++connections_;
    Reap(/*all=*/false);
    auto connection = std::make_unique<Connection>();
    connection->socket = accepted;
    Connection& reference = *connection;
    MutexLock lock(mutex_);
    live_.push_back(std::move(connection));
    reference.thread = std::thread([this, &reference] { Serve(reference); });
  }
}

void FakeHttpServer::Reap(bool all) {
  std::list<std::unique_ptr<Connection>> ended;
  {
    MutexLock lock(mutex_);
    for (auto it = live_.begin(); it != live_.end();) {
      const auto next = std::next(it);
      if (all) shutdown((*it)->socket, SHUT_RDWR);
      if (all || (*it)->finished) ended.splice(ended.end(), live_, it);
      it = next;
    }
  }
  // The descriptor is closed here, after its thread, so that its number cannot be another connection's when it is shut.
  for (auto& connection : ended) {
    connection->thread.join();
    close(connection->socket);
  }
}

void FakeHttpServer::Serve(Connection& connection) {
  // The stream gets a duplicate to own; shutdown() on either ends both.
  asio::io_context io;
  const int own = dup(connection.socket);
  try {
    Tcp::socket socket(io, Tcp::v4(), own);
    if (tls_) {
      asio::ssl::stream<Tcp::socket&> stream(socket, tls_->context);
      stream.handshake(asio::ssl::stream_base::server);
      ServeStream(stream, own);
    } else {
      ServeStream(socket, own);
    }
  } catch (const std::exception&) {
    // A client that went away, or did not speak HTTP or TLS: the end of this connection and nothing else.
  }
  shutdown(connection.socket, SHUT_RDWR);
  connection.finished = true;
}

template <typename Stream>
void FakeHttpServer::ServeStream(Stream& stream, int socket) {
  boost::beast::flat_buffer buffer;
  while (true) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(kMaxRequestBytes);
    http::read(stream, buffer, parser);
    const auto& message = parser.get();
    RecordedRequest request;
    request.received_at = absl::Now();
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    request.body = message.body();
    for (const auto& field : message) {
      request.headers.emplace(absl::AsciiStrToLower(std::string(field.name_string())), std::string(field.value()));
    }
    if (!Answer(stream, socket, request, message.keep_alive())) return;
  }
}

FakeReply FakeHttpServer::Reply(const RecordedRequest& request) {
  FakeHandler handler;
  {
    MutexLock lock(mutex_);
    requests_.push_back(request);
    for (auto it = injections_.begin(); it != injections_.end(); ++it) {
      if (!absl::StartsWith(request.target, it->prefix)) continue;
      FakeReply reply = it->reply;
      if (--it->left <= 0) injections_.erase(it);
      return reply;
    }
    if (const auto exact = exact_.find(request.Path()); exact != exact_.end()) {
      handler = exact->second;
    } else {
      for (const auto& [predicate, route] : routes_) {
        if (!predicate(request)) continue;
        handler = route;
        break;
      }
    }
  }
  if (!handler) return {.status = 404, .body = absl::StrCat("no route for ", request.target)};
  return handler(request);
}

template <typename Stream>
bool FakeHttpServer::Answer(Stream& stream, int socket, const RecordedRequest& request, bool keep_alive) {
  const FakeReply reply = Reply(request);
  if (!Sleep(reply.delay)) return false;
  std::string head = absl::StrCat("HTTP/1.1 ", reply.status, " ",
                                  std::string(http::obsolete_reason(http::int_to_status(reply.status))), "\r\n");
  bool has_length = false;
  for (const auto& [name, value] : reply.headers) {
    absl::StrAppend(&head, name, ": ", value, "\r\n");
    has_length = has_length || absl::EqualsIgnoreCase(name, "content-length");
  }
  if (!has_length) absl::StrAppend(&head, "Content-Length: ", reply.body.size(), "\r\n");
  absl::StrAppend(&head, keep_alive ? "" : "Connection: close\r\n", "\r\n");
  if (reply.fault != HttpFault::kNone) return Misbehave(stream, socket, reply, head);
  asio::write(stream, asio::buffer(request.method == "HEAD" ? head : head + reply.body));
  return keep_alive;
}

template <typename Stream>
bool FakeHttpServer::Misbehave(Stream& stream, int socket, const FakeReply& reply, const std::string& head) {
  switch (reply.fault) {
    case HttpFault::kNone:
      break;
    case HttpFault::kGarbage:
      asio::write(stream, asio::buffer(std::string("\x01\x02\xff\xfe this is not HTTP\r\n\r\n")));
      break;
    case HttpFault::kTruncate:
      asio::write(stream, asio::buffer(head + reply.body.substr(0, reply.body.size() / 2)));
      break;
    case HttpFault::kStall:
      asio::write(stream, asio::buffer(head + reply.body.substr(0, reply.body.size() / 2)));
      while (!PeerClosed(socket) && Sleep(absl::Milliseconds(5))) {
      }
      break;
    case HttpFault::kDrop:
      Reset(socket);
      break;
    case HttpFault::kDrip:
      asio::write(stream, asio::buffer(head));
      for (const char c : reply.body) {
        if (!Sleep(reply.drip_interval)) break;
        asio::write(stream, asio::buffer(&c, 1));
      }
      break;
  }
  return false;
}

bool FakeHttpServer::Sleep(absl::Duration duration) {
  const absl::Time until = absl::Now() + duration;
  MutexLock lock(mutex_);
  while (!stopping_) {
    const absl::Duration left = until - absl::Now();
    if (left <= absl::ZeroDuration()) return true;
    changed_.WaitFor(mutex_, left);
  }
  return false;
}

}  // namespace tokenwatch::fakes

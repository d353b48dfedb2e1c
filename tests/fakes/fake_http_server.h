// An HTTP/1.1 server on loopback that answers as a test tells it to, and misbehaves as one.
//
// Thread contract: everything may be called from any thread at any time. Handlers run on the server's threads, one
// per connection, and must lock what they share. The destructor closes all connections and joins.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "tests/fakes/self_signed.h"

namespace tokenwatch::fakes {

struct RecordedRequest {
  absl::Time received_at = {};
  std::string method = {};
  // Path and query as sent.
  std::string target = {};
  // Names in lower case.
  std::multimap<std::string, std::string> headers = {};
  std::string body = {};

  // Without the query.
  std::string Path() const;
};

enum class HttpFault {
  kNone,
  // Bytes that are not HTTP, then close.
  kGarbage,
  // Announces the whole body, sends half, closes.
  kTruncate,
  // Sends half of the body, then nothing, and keeps the connection open.
  kStall,
  // Reads the request and resets the connection.
  kDrop,
  // Sends one byte of the body every `drip_interval`.
  kDrip,
};

struct FakeReply {
  int status = 200;
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  // Before the first byte.
  absl::Duration delay = {};
  HttpFault fault = HttpFault::kNone;
  absl::Duration drip_interval = absl::Milliseconds(50);
};

using FakeHandler = std::function<FakeReply(const RecordedRequest&)>;

struct FakeHttpServerOptions {
  // Serve TLS with this identity.
  std::optional<SelfSigned> tls = {};
  // Any address of 127.0.0.0/8.
  std::string address = "127.0.0.1";
  // 0: any free port.
  std::uint16_t port = 0;
};

class FakeHttpServer {
 public:
  // Listens when it returns. Throws boost::system::system_error when it cannot.
  explicit FakeHttpServer(FakeHttpServerOptions options = {});
  ~FakeHttpServer();
  FakeHttpServer(const FakeHttpServer&) = delete;
  FakeHttpServer& operator=(const FakeHttpServer&) = delete;

  // Routes are tried in the order: exact path, predicates in order of registration (a prefix is one); else 404.
  // A route may be replaced while the server runs.
  void Route(absl::string_view path, FakeHandler handler);
  void Route(absl::string_view path, FakeReply reply);
  void RoutePrefix(absl::string_view prefix, FakeHandler handler);
  void RouteIf(std::function<bool(const RecordedRequest&)> predicate, FakeHandler handler);
  // The next `times` requests whose path begins with `prefix` get `reply`, whatever their route says.
  void Inject(absl::string_view prefix, FakeReply reply, int times = 1);

  std::uint16_t port() const { return port_; }
  // http(s)://address:port + path.
  std::string Url(absl::string_view path = "/") const;

  std::vector<RecordedRequest> requests() const;
  // Requests whose path begins with `prefix`.
  int Count(absl::string_view prefix = "/") const;
  // Accepted since the start.
  int connections() const { return connections_; }

 private:
  struct Connection;
  struct Injection {
    std::string prefix;
    FakeReply reply;
    int left;
  };

  void Accept();
  void Serve(Connection& connection);
  template <typename Stream>
  void ServeStream(Stream& stream, int socket);
  template <typename Stream>
  bool Answer(Stream& stream, int socket, const RecordedRequest& request, bool keep_alive);
  template <typename Stream>
  bool Misbehave(Stream& stream, int socket, const FakeReply& reply, const std::string& head);
  FakeReply Reply(const RecordedRequest& request);
  // False when the server stops.
  bool Sleep(absl::Duration duration);
  void Reap(bool all);

  const FakeHttpServerOptions options_;
  struct Tls;
  std::unique_ptr<Tls> tls_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;

  mutable common::Mutex mutex_;
  common::CondVar changed_;
  bool stopping_ TW_GUARDED_BY(mutex_) = false;
  std::map<std::string, FakeHandler> exact_ TW_GUARDED_BY(mutex_);
  std::vector<std::pair<std::function<bool(const RecordedRequest&)>, FakeHandler>> routes_ TW_GUARDED_BY(mutex_);
  std::list<Injection> injections_ TW_GUARDED_BY(mutex_);
  std::vector<RecordedRequest> requests_ TW_GUARDED_BY(mutex_);
  std::list<std::unique_ptr<Connection>> live_ TW_GUARDED_BY(mutex_);

  std::thread acceptor_;
};

}  // namespace tokenwatch::fakes

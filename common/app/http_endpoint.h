// A small HTTP/1.1 server on a thread of its own for what machines ask a process: metrics and probes. GET and HEAD
// only.
//
// It is not a place for an API: one thread answers everything, one request after the other.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tokenwatch::common {

struct HttpReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = {};
};

struct HttpEndpointOptions {
  std::string address = "0.0.0.0";
  int port = 0;                                // 0: the system chooses
  size_t max_connections = 64;                 // one more is closed at once
  size_t max_request_bytes = 8192;             // larger headers or a body beyond it end the connection
  absl::Duration timeout = absl::Seconds(10);  // for a request to arrive, an answer to be taken, and between two
};

// Thread-safe.
class HttpEndpoint {
 public:
  // Called on the endpoint's thread; must be quick and must not throw.
  using Handler = std::function<HttpReply()>;

  // Listens and serves `handlers` by path. UNAVAILABLE names address and port when they cannot be had.
  static absl::StatusOr<std::unique_ptr<HttpEndpoint>> Start(const HttpEndpointOptions& options,
                                                             std::map<std::string, Handler> handlers);
  // Closes all connections and joins the thread.
  ~HttpEndpoint();

  // The bound port.
  int port() const;

 private:
  class Server;
  explicit HttpEndpoint(std::unique_ptr<Server> server);
  const std::unique_ptr<Server> server_;
};

}  // namespace tokenwatch::common

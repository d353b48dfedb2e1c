// A gRPC server with every limit set, health v1, and reflection only where it is wanted.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/rpc_metrics.h"
#include "grpcpp/impl/service_type.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"

namespace tokenwatch::common {

struct GrpcServerOptions {
  std::string address = "0.0.0.0";
  int port = 0;                                               // 0: the system chooses
  std::shared_ptr<grpc::ServerCredentials> credentials = {};  // null: plaintext
  bool reflection = false;
  int max_message_bytes = 16 * 1024 * 1024;               // in both directions
  int max_concurrent_streams = 1000;                      // per connection
  absl::Duration keepalive_interval = absl::Seconds(30);  // a dead client is noticed after this and the time-out
  absl::Duration keepalive_timeout = absl::Seconds(10);
  absl::Duration min_client_ping_interval = absl::Seconds(10);  // a client that pings more often is cut off
};

// Thread-safe.
class GrpcServer {
 public:
  // Starts serving `services` (which outlive it), all NOT_SERVING in health until SetServing(true). `names` are their
  // full names ("package.Service"). `metrics` outlives it. UNAVAILABLE names address and port when they cannot be had.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const GrpcServerOptions& options,
                                                           const std::vector<grpc::Service*>& services,
                                                           const std::vector<std::string>& names, RpcMetrics& metrics);
  // Shutdown(now).
  ~GrpcServer();

  int port() const { return port_; }

  // What health v1 answers for every service and for "".
  void SetServing(bool serving);

  // Refuses new calls, waits for those under way until `deadline`, then cancels them. Returns when every call has
  // ended; so it hangs when a handler never finishes its call. Idempotent.
  void Shutdown(absl::Time deadline);

 private:
  GrpcServer(std::unique_ptr<grpc::Server> server, int port, std::vector<std::string> names);
  const std::unique_ptr<grpc::Server> server_;
  const int port_;
  const std::vector<std::string> names_;
};

}  // namespace tokenwatch::common

// Metrics and the access log of all calls a server answers, from one interceptor.
//
//   grpc_server_started_total{grpc_service,grpc_method}
//   grpc_server_handled_total{grpc_service,grpc_method,grpc_code}
//   grpc_server_handling_seconds{grpc_service,grpc_method}      (for a stream: its whole life)
//
// The names are those of the gRPC ecosystem (go-grpc-prometheus), so that common dashboards work.
// Each call gets a line in the log: at debug level when it went well, at info level (rate limited) when it did not. A
// call without a usable x-request-id gets one, and the handler finds it where it would find the caller's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/metrics/registry.h"
#include "grpcpp/support/server_interceptor.h"

namespace tokenwatch::common {

// Thread-safe. Outlives the server.
class RpcMetrics {
 public:
  // `services` are full names ("package.Service") of services whose generated code is linked in; all series of all
  // their methods exist from here on. Calls of other services (health, reflection) are counted as service "other".
  // NOT_FOUND names a service that is not linked in.
  static absl::StatusOr<std::unique_ptr<RpcMetrics>> Create(MetricRegistry& registry,
                                                            const std::vector<std::string>& services);
  ~RpcMetrics();

  // For grpc::ServerBuilder::experimental().SetInterceptorCreators. The factory refers to this object.
  std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeInterceptorFactory();

 private:
  struct Methods;
  explicit RpcMetrics(std::unique_ptr<Methods> methods);
  const std::unique_ptr<Methods> methods_;

  class Factory;
  class Interceptor;
};

}  // namespace tokenwatch::common

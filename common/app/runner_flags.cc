#include "common/app/runner_flags.h"

#include "absl/flags/flag.h"
#include "common/config/endpoint.h"
#include "common/log/log.h"

ABSL_FLAG(std::string, listen, "",
          "address of gRPC as host:port, port 0 for any free one; empty for the service's own");
ABSL_FLAG(std::string, http_listen, "", "address of /metrics, /healthz and /readyz as host:port; empty for the own");
ABSL_FLAG(std::string, port_file, "", "file to write the bound ports to, as {\"grpc\":port,\"http\":port}");
ABSL_FLAG(bool, reflection, false, "serve gRPC reflection");
ABSL_FLAG(absl::Duration, drain_grace, absl::Seconds(2), "after SIGTERM: how long to serve on while NOT_SERVING");
ABSL_FLAG(absl::Duration, drain_deadline, absl::Seconds(20), "after the grace: how long calls may take to end");
ABSL_FLAG(std::string, log_level, "info", "least severe level that is logged: debug, info, warning or error");

namespace tokenwatch::common {

absl::StatusOr<RunnerOptions> RunnerOptionsFromFlags(const std::string& service, absl::string_view listen,
                                                     absl::string_view http_listen) {
  const auto level = ParseSeverity(absl::GetFlag(FLAGS_log_level));
  if (!level.ok()) return level.status();
  SetLogLevel(*level);
  const std::string grpc_text = absl::GetFlag(FLAGS_listen);
  const auto grpc = ParseEndpoint("listen", grpc_text.empty() ? listen : absl::string_view(grpc_text));
  if (!grpc.ok()) return grpc.status();
  const std::string http_text = absl::GetFlag(FLAGS_http_listen);
  const auto http = ParseEndpoint("http_listen", http_text.empty() ? http_listen : absl::string_view(http_text));
  if (!http.ok()) return http.status();
  RunnerOptions options;
  options.service = service;
  options.grpc.address = grpc->host;
  options.grpc.port = grpc->port;
  options.grpc.reflection = absl::GetFlag(FLAGS_reflection);
  options.http.address = http->host;
  options.http.port = http->port;
  options.port_file = absl::GetFlag(FLAGS_port_file);
  options.drain_grace = absl::GetFlag(FLAGS_drain_grace);
  options.drain_deadline = absl::GetFlag(FLAGS_drain_deadline);
  return options;
}

}  // namespace tokenwatch::common

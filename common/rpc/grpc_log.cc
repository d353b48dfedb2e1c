#include "common/rpc/grpc_log.h"

#include "common/log/log.h"
#include "grpc/support/log.h"

namespace tokenwatch::common {
namespace {

void Write(gpr_log_func_args* arguments) {
  if (arguments->severity == GPR_LOG_SEVERITY_ERROR) {
    TW_LOG_EVERY(absl::Milliseconds(100), Severity::kWarning, "grpc",
                 {{"detail", arguments->message}, {"file", arguments->file}, {"line", arguments->line}});
  } else {
    TW_LOG(Severity::kDebug, "grpc",
           {{"detail", arguments->message}, {"file", arguments->file}, {"line", arguments->line}});
  }
}

}  // namespace

void RouteGrpcLog() { gpr_set_log_function(&Write); }

}  // namespace tokenwatch::common

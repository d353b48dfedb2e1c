#include "common/rpc/pull_stream.h"

#include "common/metrics/bug.h"

namespace tokenwatch::common::rpc_internal {
namespace {

BugSite uncaught_exception("rpc_stream_exception");

}  // namespace

absl::Status StreamException(const std::exception& error) {
  uncaught_exception.Report(error.what());
  return absl::InternalError("the server failed on this stream: its log has the reason");
}

}  // namespace tokenwatch::common::rpc_internal

#include "cli/follow.h"

#include "absl/strings/str_cat.h"
#include "cli/exit_codes.h"

namespace tokenwatch::cli {
namespace {

constexpr absl::Duration kFirstBackoff = absl::Milliseconds(250);
constexpr absl::Duration kLongestBackoff = absl::Seconds(5);
constexpr int kDefaultAttempts = 8;

// What a new stream may cure: a lost connection, a restart, being cut off for slowness. A stream that ends well though
// nobody asked for its end is one of them: a service that drains does so.
bool MayResume(const grpc::Status& status, bool until_head) {
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return !until_head;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::CANCELLED:
      return true;
    default:
      // How gRPC 1.51 reports a connection that breaks while a message is under way.
      return status.error_message().find("RST_STREAM") != std::string::npos ||
             status.error_message().find("Stream removed") != std::string::npos;
  }
}

}  // namespace

absl::StatusOr<int> FollowLog(Context& context, const FollowOptions& options, const FollowOnce& once) {
  FollowPosition position;
  position.cursor = options.after_cursor;
  position.remaining = options.limit;
  position.limited = options.limit > 0;
  // Only a log has cursors to go on from.
  const bool is_log = options.service == Service::kDetector;
  bool reached = false;
  int failures = 0;
  absl::Duration backoff = kFirstBackoff;
  while (true) {
    reached = context.clients().Connect(options.service) || reached;
    position.progressed = false;
    const absl::StatusOr<grpc::Status> outcome = once(position);
    if (!outcome.ok()) return outcome.status();
    if (position.done || (outcome->ok() && options.until_head)) return kExitOk;
    if (context.environment().stop.stop_requested()) return kExitInterrupted;
    const absl::Status explained =
        outcome->ok() ? absl::UnavailableError(absl::StrCat("the ", ServiceName(options.service), " ended the stream"))
                      : context.clients().Explain(options.service, *outcome);
    if (!reached || !MayResume(*outcome, options.until_head)) return explained;
    if (position.progressed) {
      failures = 0;
      backoff = kFirstBackoff;
    }
    if (++failures > options.attempts) {
      return absl::Status(explained.code(),
                          absl::StrCat(explained.message(), "; gave up after ", options.attempts, " attempts",
                                       is_log ? absl::StrCat(", resume with --from ", position.cursor) : ""));
    }
    context.Note(absl::StrCat(
        explained.message(), is_log ? absl::StrCat("; resuming after cursor ", position.cursor) : "; opening it again",
        " in ", absl::FormatDuration(backoff), " (attempt ", failures, " of ", options.attempts, ")"));
    context.environment().sleep(backoff);
    if (context.environment().stop.stop_requested()) return kExitInterrupted;
    backoff = std::min(backoff * 2, kLongestBackoff);
  }
}

absl::StatusOr<FollowOptions> ReadFollowOptions(Context& context,
                                                uint64_t (*head)(const detector::v1::GetStatusResponse&)) {
  const ParsedArgs& args = context.args();
  FollowOptions options;
  options.after_cursor = args.Number("from", 0);
  options.until_head = args.Has("until-head");
  options.limit = args.Number("limit", 0);
  options.attempts = static_cast<int>(args.Number("retries", kDefaultAttempts));
  if (args.Has("from-head")) {
    const auto status = context.clients().Call(&DetectorStub::GetStatus, detector::v1::GetStatusRequest());
    if (!status.ok()) return status.status();
    options.after_cursor = head(*status);
  }
  return options;
}

}  // namespace tokenwatch::cli

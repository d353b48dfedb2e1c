// Reads a stream that is opened again where it broke off: a log of the detector, without gap or repeat, or prices,
// which have no place to go on from.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>

#include <google/protobuf/repeated_field.h>
#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/context.h"

namespace tokenwatch::cli {

struct FollowOptions {
  Service service = Service::kDetector;
  uint64_t after_cursor = 0;
  bool until_head = false;
  // Events to print; 0 means all.
  uint64_t limit = 0;
  // Openings in a row that bring nothing before it gives up.
  int attempts = 8;
};

// Where a reader stands, over all of its streams.
struct FollowPosition {
  // Everything up to here has been printed or did not match.
  uint64_t cursor = 0;
  // Events still to print; meaningless without a limit.
  uint64_t remaining = 0;
  bool limited = false;
  // The limit was reached.
  bool done = false;
  // A response came since the stream was opened.
  bool progressed = false;
};

// One stream from opening to end. What gRPC said is the inner status; an error of printing is the outer.
using FollowOnce = std::function<absl::StatusOr<grpc::Status>(FollowPosition&)>;

// Runs `once` until the limit or (with until_head) the head is reached, a stop is requested, an error comes that a new
// stream does not cure, or nothing comes any more. Each reopening is announced on stderr. A service that was never
// reached is not waited for.
absl::StatusOr<int> FollowLog(Context& context, const FollowOptions& options, const FollowOnce& once);

// The flags that every stream has: --from, --from-head, --until-head, --limit, --retries. With --from-head the head is
// asked for and read from, so that a stream that breaks before its first batch loses nothing.
absl::StatusOr<FollowOptions> ReadFollowOptions(Context& context,
                                                uint64_t (*head)(const detector::v1::GetStatusResponse&));

// Reads one stream of `Response` batches whose events carry cursors. `open` opens it after a cursor; `events` gives the
// batch's events; `print` prints a batch that is not empty and holds nothing seen before.
template <typename Response, typename Event>
absl::StatusOr<grpc::Status> ReadStream(
    Context& context, FollowPosition& position,
    const std::function<std::unique_ptr<grpc::ClientReader<Response>>(grpc::ClientContext*, uint64_t)>& open,
    google::protobuf::RepeatedPtrField<Event>* (Response::*events)(),
    const std::function<absl::Status(const google::protobuf::RepeatedPtrField<Event>&)>& print) {
  grpc::ClientContext call;
  const std::stop_callback cancel(context.environment().stop, [&call] { call.TryCancel(); });
  const std::unique_ptr<grpc::ClientReader<Response>> reader = open(&call, position.cursor);
  Response response;
  absl::Status printed;
  while (printed.ok() && !position.done && reader->Read(&response)) {
    position.progressed = true;
    auto& batch = *(response.*events)();
    // A service that repeats itself after a reconnect would otherwise be believed.
    batch.erase(std::remove_if(batch.begin(), batch.end(),
                               [&](const Event& event) { return event.cursor() <= position.cursor; }),
                batch.end());
    if (position.limited && static_cast<uint64_t>(batch.size()) >= position.remaining) {
      batch.DeleteSubrange(static_cast<int>(position.remaining), batch.size() - static_cast<int>(position.remaining));
      position.done = true;
    }
    position.remaining -= position.limited ? static_cast<uint64_t>(batch.size()) : 0;
    if (!batch.empty()) printed = print(batch);
    for (const Event& event : batch) position.cursor = std::max(position.cursor, event.cursor());
    if (!position.done) position.cursor = std::max(position.cursor, response.cursor());
  }
  if (!printed.ok() || position.done) call.TryCancel();
  const grpc::Status status = reader->Finish();
  if (!printed.ok()) return printed;
  return position.done ? grpc::Status::OK : status;
}

}  // namespace tokenwatch::cli

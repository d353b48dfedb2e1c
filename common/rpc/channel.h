// Making channels to peers. One channel per peer for the life of the program; never destroy one inside a gRPC callback.
#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/security/credentials.h"

namespace tokenwatch::common {

struct ChannelOptions {
  std::string target = {};                                     // "host:port" or any gRPC name
  std::shared_ptr<grpc::ChannelCredentials> credentials = {};  // null: plaintext
  int max_message_bytes = 16 * 1024 * 1024;                    // in both directions
  absl::Duration keepalive_interval = absl::Seconds(30);       // a dead peer is noticed after this and the time-out
  absl::Duration keepalive_timeout = absl::Seconds(10);
  absl::Duration max_reconnect_backoff = absl::Seconds(5);  // a peer that comes back is found within about this
};

// Never fails and does not connect: the first call does, and again whenever the connection is lost.
std::shared_ptr<grpc::Channel> MakeChannel(const ChannelOptions& options);

}  // namespace tokenwatch::common

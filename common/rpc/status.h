// absl::Status to grpc::Status and back. The codes are the same numbers.
#pragma once

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace tokenwatch::common {

// The payload under which a grpc::Status's error_details (a serialised google.rpc.Status) travel in an absl::Status.
inline constexpr char kGrpcDetailsPayload[] = "type.googleapis.com/google.rpc.Status";

// Message and details are kept in both directions.
grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

// "NOT_FOUND"; "UNKNOWN" for a number that is no code.
const char* CodeName(grpc::StatusCode code);

}  // namespace tokenwatch::common

// Reading the detector over gRPC.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "tests/functional/harness.h"
#include "tokenwatch/detector/v1/detector.grpc.pb.h"
#include "tokenwatch/detector/v1/detector.pb.h"

namespace tokenwatch::functional {

namespace pb = ::tokenwatch::detector::v1;
using DetectorStub = std::unique_ptr<pb::DetectorService::Stub>;

// A stub on a connection of its own.
DetectorStub StubFor(const Service& service);

// Sets a deadline this far from now.
void Within(absl::Duration limit, grpc::ClientContext* context);

// A unary call with a deadline of ten seconds; the status lands in *status, or must be OK when that is null.
template <typename Request, typename Response>
Response Call(pb::DetectorService::Stub& stub,
              grpc::Status (pb::DetectorService::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request, grpc::Status* status = nullptr);

// What a stream has given, in order.
struct ReadTrades {
  std::vector<pb::Trade> trades;
  uint64_t cursor = 0;  // of the last message
  grpc::Status status;
};
struct ReadEvents {
  std::vector<pb::TokenEvent> events;
  uint64_t cursor = 0;
  grpc::Status status;
};

// Reads until the stream ends, or until `enough` says so after a message; then the status is CANCELLED.
ReadTrades Read(pb::DetectorService::Stub& stub, const pb::TailTradesRequest& request,
                const std::function<bool(const ReadTrades&)>& enough = nullptr,
                absl::Duration limit = absl::Seconds(60));
ReadEvents Read(pb::DetectorService::Stub& stub, const pb::WatchTokensRequest& request,
                const std::function<bool(const ReadEvents&)>& enough = nullptr,
                absl::Duration limit = absl::Seconds(60));

// Everything up to the present head.
ReadTrades AllTrades(pb::DetectorService::Stub& stub);
ReadEvents AllEvents(pb::DetectorService::Stub& stub);

// Whether cursors count up from first + 1 without gap or repeat.
template <typename Entries>
bool AreConsecutive(const Entries& entries, uint64_t after = 0) {
  for (const auto& entry : entries) {
    if (entry.cursor() != ++after) return false;
  }
  return true;
}

template <typename Request, typename Response>
Response Call(pb::DetectorService::Stub& stub,
              grpc::Status (pb::DetectorService::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request, grpc::Status* status) {
  grpc::ClientContext context;
  Within(absl::Seconds(10), &context);
  Response response;
  grpc::Status outcome = (stub.*method)(&context, request, &response);
  if (status != nullptr) {
    *status = std::move(outcome);
  } else if (!outcome.ok()) {
    ADD_FAILURE() << outcome.error_code() << " " << outcome.error_message();
  }
  return response;
}

}  // namespace tokenwatch::functional

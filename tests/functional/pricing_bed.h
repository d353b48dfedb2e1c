// A detector with its log, and pricing services that fold it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/testing/held_port.h"
#include "tests/functional/harness.h"
#include "tests/functional/recordings.h"
#include "tests/functional/tables.h"
#include "tokenwatch/pricing/v1/pricing.grpc.pb.h"
#include "tokenwatch/pricing/v1/pricing.pb.h"

namespace tokenwatch::functional {

namespace pricing_pb = ::tokenwatch::pricing::v1;
using PricingStub = std::unique_ptr<pricing_pb::PricingService::Stub>;

class PricingBed {
 public:
  // Without a detector yet.
  PricingBed() = default;
  // Replays the session into the log of database "platform" and starts a detector that serves it.
  explicit PricingBed(const Session& session);

  bool ok() const { return platform_.ok() && detector_ != nullptr; }
  Platform& platform() { return platform_; }
  Service& detector() { return *detector_; }
  // Starts a detector on database "platform", always at the same port; the one before is killed if it still runs.
  // False, and the test fails, when it does not become ready.
  bool StartDetector(std::vector<std::string> flags = {});

  // Launches a pricing service with its tables in `database`, offline (no provider is asked), following the detector at
  // `detector` ("host:port"; the bed's own when empty). Waits for nothing.
  std::unique_ptr<Service> Launch(std::vector<std::string> flags = {}, absl::string_view database = "platform",
                                  const std::string& detector = "");
  // The same, and waits until it is ready; nullptr, and the test fails, when it does not become so.
  std::unique_ptr<Service> Start(std::vector<std::string> flags = {}, absl::string_view database = "platform",
                                 const std::string& detector = "");
  // Waits until the service has folded the whole log; false, and the test fails, when it does not get there.
  bool AwaitFolded(Service& pricing, absl::Duration limit = absl::Seconds(60));
  // Starts one, waits until it has folded all, and ends it in order, so that everything is in the tables.
  void FoldAll(absl::string_view database = "platform", std::vector<std::string> flags = {});

  // What follows from the log alone: the tables of prices and candles, and the place of the checkpoint. The numbers of
  // flushes, and what the journal of parked trades still holds of series that have rows by now, depend on when a
  // process lived.
  Tables Outcome(absl::string_view database = "platform");

 private:
  Platform platform_;
  const common::HeldPort detector_port_;
  std::unique_ptr<Service> detector_;
};

PricingStub PricingStubFor(const Service& service);

// The answer of a unary call with a deadline of ten seconds; its status lands in *status, or must be OK when that is
// null.
template <typename Request, typename Response>
Response CallPricing(pricing_pb::PricingService::Stub& stub,
                     grpc::Status (pricing_pb::PricingService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                              Response*),
                     const Request& request, grpc::Status* status = nullptr) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
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

// Connections to the services, and calls on them with a deadline. One thread uses an object; a stop request may come
// from any thread and cancels what is under way.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/endpoints.h"
#include "tokenwatch/detector/v1/detector.grpc.pb.h"
#include "tokenwatch/pricing/v1/pricing.grpc.pb.h"
#include "tokenwatch/resolver/v1/resolver.grpc.pb.h"

namespace tokenwatch::cli {

using DetectorStub = detector::v1::DetectorService::Stub;
using ResolverStub = resolver::v1::ResolverService::Stub;
using PricingStub = pricing::v1::PricingService::Stub;

class Clients {
 public:
  // Connects when first used. `timeout` bounds each unary call and each wait for a connection.
  Clients(Endpoints endpoints, absl::Duration timeout, std::stop_token stop);

  // Calls a unary method of any of the services: Call(&DetectorStub::GetToken, request). The error is as Explain has
  // it.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request);

  // The stubs, for streams.
  DetectorStub& detector() { return *detector_; }
  PricingStub& pricing() { return *pricing_; }

  // Waits until the service is connected to or known to be unreachable; true in the first case.
  bool Connect(Service service);

  // `status` for people: which service, where, what happened, what to do.
  absl::Status Explain(Service service, const grpc::Status& status) const;

  const std::string& address(Service service) const;
  // Whether anything says that the service should be there.
  bool expects(Service service) const { return service != Service::kPricing || endpoints_.expects_pricing; }
  const std::stop_token& stop() const { return stop_; }

 private:
  DetectorStub& stub(DetectorStub*) { return *detector_; }
  ResolverStub& stub(ResolverStub*) { return *resolver_; }
  PricingStub& stub(PricingStub*) { return *pricing_; }
  static Service service_of(DetectorStub*) { return Service::kDetector; }
  static Service service_of(ResolverStub*) { return Service::kResolver; }
  static Service service_of(PricingStub*) { return Service::kPricing; }
  const std::shared_ptr<grpc::Channel>& channel(Service service) const;

  const Endpoints endpoints_;
  const absl::Duration timeout_;
  const std::stop_token stop_;
  const std::shared_ptr<grpc::Channel> detector_channel_;
  const std::shared_ptr<grpc::Channel> resolver_channel_;
  const std::shared_ptr<grpc::Channel> pricing_channel_;
  const std::unique_ptr<DetectorStub> detector_;
  const std::unique_ptr<ResolverStub> resolver_;
  const std::unique_ptr<PricingStub> pricing_;
};

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Clients::Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                       const Request& request) {
  Stub* const kind = nullptr;
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout_));
  const std::stop_callback cancel(stop_, [&context] { context.TryCancel(); });
  Response response;
  const grpc::Status status = (stub(kind).*method)(&context, request, &response);
  if (!status.ok()) return Explain(service_of(kind), status);
  return response;
}

}  // namespace tokenwatch::cli

// The service over a real connection, with the real fold; log, store and oracle are fakes.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/metrics/registry.h"
#include "grpcpp/grpcpp.h"
#include "pricing/rpc/convert.h"
#include "pricing/rpc/service.h"
#include "pricing/testing/world.h"

namespace tokenwatch::pricing {

class ServiceTest : public ::testing::Test {
 protected:
  ServiceTest() {
    world_.SetListener(&hub_);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = v1::PricingService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }
  ~ServiceTest() override {
    price_streams_.EndAll(absl::UnavailableError("the test ends"));
    request_streams_.EndAll(absl::UnavailableError("the test ends"));
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
    calls_.Stop();
    streams_.Stop();
    world_.SetListener(nullptr);
  }

  template <typename Request, typename Response>
  using Method = grpc::Status (v1::PricingService::Stub::*)(grpc::ClientContext*, const Request&, Response*);
  template <typename Request, typename Response>
  grpc::Status Call(Method<Request, Response> method, const Request& request, Response* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    response->Clear();
    return (*stub_.*method)(&context, request, response);
  }
  template <typename Request, typename Response>
  grpc::Status Call(Method<Request, Response> method, const Request& request) {
    Response response;
    return Call(method, request, &response);
  }

  static v1::GetPriceRequest PriceRequestOf(const chain::TokenRef& token) {
    v1::GetPriceRequest request;
    ToProto(token, request.mutable_token());
    return request;
  }
  void Trade(uint64_t token, absl::Duration at, uint64_t quote,
             const std::function<void(pricing::Trade&)>& change = {}) {
    world_.Add(TestToken(token), at, quote, 1'000'000, change);
    world_.Fold();
  }

  static constexpr auto kGetPrice = &v1::PricingService::Stub::GetPrice;
  static constexpr auto kBatch = &v1::PricingService::Stub::BatchGetPrices;
  static constexpr auto kCandles = &v1::PricingService::Stub::ListCandles;
  static constexpr auto kHot = &v1::PricingService::Stub::ListHotTokens;

  World world_;
  common::MetricRegistry registry_;
  ServingMetrics metrics_{registry_};
  common::Executor calls_{{.name = "calls", .threads = 3, .queue_capacity = 100}};
  common::Executor streams_{{.name = "streams", .threads = 2, .queue_capacity = 100}};
  common::StreamSet price_streams_{{.max_streams = 50}};
  common::StreamSet request_streams_{{.max_streams = 50}};
  PriceHub hub_{{.interval = absl::Milliseconds(1)}, world_.hot, world_.view, world_.clock};
  common::SystemClock system_clock_;
  RequestHub requests_{{.poll_interval = absl::Milliseconds(20), .max_poll_interval = absl::Milliseconds(100)},
                       world_.store,
                       system_clock_};
  std::map<chain::TokenRef, bool> watched_;
  PricingServiceImpl service_{{.hot = world_.hot,
                               .view = world_.view,
                               .references = world_.references,
                               .store = world_.store,
                               .detector = world_.log,
                               .oracle = world_.oracle,
                               .hub = hub_,
                               .requests = requests_,
                               .state = world_,
                               .parked = [this](const SeriesKey& key) { return world_.Parked(key); },
                               .set_watched = [this](const chain::TokenRef& token, bool on) { watched_[token] = on; },
                               .metrics = metrics_,
                               .calls = calls_,
                               .streams = streams_,
                               .price_streams = price_streams_,
                               .request_streams = request_streams_,
                               .clock = world_.clock}};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::PricingService::Stub> stub_;
};

}  // namespace tokenwatch::pricing

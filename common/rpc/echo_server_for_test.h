// An EchoService on a port of its own, for tests.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/rpc/rpc_metrics.h"
#include "echo.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace tokenwatch::common {

using testdata::EchoRequest;
using testdata::EchoResponse;
using testdata::EchoService;

class EchoServerForTest final : public EchoService::CallbackService {
 public:
  using EchoHandler =
      std::function<grpc::ServerUnaryReactor*(grpc::CallbackServerContext*, const EchoRequest*, EchoResponse*)>;
  using RepeatHandler =
      std::function<grpc::ServerWriteReactor<EchoResponse>*(grpc::CallbackServerContext*, const EchoRequest*)>;

  // Starts serving. `metrics` may be null.
  explicit EchoServerForTest(EchoHandler echo, RepeatHandler repeat = nullptr, RpcMetrics* metrics = nullptr)
      : echo_(std::move(echo)), repeat_(std::move(repeat)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    if (metrics != nullptr) {
      std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> factories;
      factories.push_back(metrics->MakeInterceptorFactory());
      builder.experimental().SetInterceptorCreators(std::move(factories));
    }
    server_ = builder.BuildAndStart();
    channel_ = grpc::CreateChannel(address(), grpc::InsecureChannelCredentials());
    stub_ = EchoService::NewStub(channel_);
  }
  ~EchoServerForTest() override { server_->Shutdown(); }

  EchoService::Stub& stub() { return *stub_; }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }
  grpc::Server& server() { return *server_; }

  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context, const EchoRequest* request,
                                 EchoResponse* response) override {
    return echo_(context, request, response);
  }
  grpc::ServerWriteReactor<EchoResponse>* Repeat(grpc::CallbackServerContext* context,
                                                 const EchoRequest* request) override {
    return repeat_(context, request);
  }

 private:
  const EchoHandler echo_;
  const RepeatHandler repeat_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<EchoService::Stub> stub_;
};

}  // namespace tokenwatch::common

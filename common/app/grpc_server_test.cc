#include "common/app/grpc_server.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/rpc/channel.h"
#include "common/rpc/client_call.h"
#include "common/rpc/status.h"
#include "echo.grpc.pb.h"
#include "gmock/gmock.h"
#include "grpcpp/generic/generic_stub.h"
#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

using testdata::EchoService;
using ::testing::HasSubstr;

class Service final : public EchoService::CallbackService {
  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context, const testdata::EchoRequest* request,
                                 testdata::EchoResponse* response) override {
    response->set_text(request->text());
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

class GrpcServerTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<GrpcServer>> Start(GrpcServerOptions options = {}) {
    options.address = "127.0.0.1";
    return GrpcServer::Start(options, {&service_}, {EchoService::service_full_name()}, *metrics_);
  }

  // Calls any unary method with raw bytes.
  static grpc::Status CallRaw(GrpcServer& server, const std::string& method, const std::string& request,
                              std::string* response = nullptr) {
    const auto channel = MakeChannel({.target = absl::StrCat("127.0.0.1:", server.port())});
    grpc::ClientContext context;
    PrepareContext({}, absl::Now(), absl::Seconds(30), context);
    grpc::CompletionQueue queue;
    const grpc::Slice slice(request);
    grpc::ByteBuffer sent(&slice, 1);
    auto reader = grpc::GenericStub(channel).PrepareUnaryCall(&context, method, sent, &queue);
    reader->StartCall();
    grpc::ByteBuffer received;
    grpc::Status status;
    reader->Finish(&received, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    grpc::Slice answer;
    if (response != nullptr && received.DumpToSingleSlice(&answer).ok()) {
      response->assign(reinterpret_cast<const char*>(answer.begin()), answer.size());
    }
    return status;
  }

  // The number of grpc.health.v1.HealthCheckResponse.ServingStatus, -1 when the service is not known.
  static int Health(GrpcServer& server, const std::string& name) {
    const std::string request =
        name.empty() ? "" : absl::StrCat("\x0A", std::string(1, static_cast<char>(name.size())), name);
    std::string response;
    const grpc::Status status = CallRaw(server, "/grpc.health.v1.Health/Check", request, &response);
    return status.ok() && response.size() == 2 ? response[1] : -1;
  }

  static constexpr int kServing = 1;
  static constexpr int kNotServing = 2;

  MetricRegistry registry_;
  std::unique_ptr<RpcMetrics> metrics_ = *RpcMetrics::Create(registry_, {EchoService::service_full_name()});
  Service service_;
};

TEST_F(GrpcServerTest, HealthIsKnownForEachServiceAndTheWhole) {
  const auto server = Start();
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(Health(**server, ""), kNotServing);
  EXPECT_EQ(Health(**server, EchoService::service_full_name()), kNotServing);
  (*server)->SetServing(true);
  EXPECT_EQ(Health(**server, ""), kServing);
  EXPECT_EQ(Health(**server, EchoService::service_full_name()), kServing);
  EXPECT_EQ(Health(**server, "other.Service"), -1);
}

TEST_F(GrpcServerTest, ReflectionIsServedOnlyWhenAsked) {
  const std::string method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  const auto without = Start();
  EXPECT_EQ(CallRaw(**without, method, "").error_code(), grpc::StatusCode::UNIMPLEMENTED);
  const auto with = Start({.reflection = true});
  EXPECT_NE(CallRaw(**with, method, "").error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(GrpcServerTest, ABusyPortIsNamed) {
  const auto server = Start();
  ASSERT_TRUE(server.ok());
  const auto second = Start({.port = (*server)->port()});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()),
              AllOf(HasSubstr(absl::StrCat("127.0.0.1:", (*server)->port())), HasSubstr("in use")));
}

TEST_F(GrpcServerTest, LimitsTheSizeOfRequests) {
  const auto server = Start({.max_message_bytes = 1000});
  const std::string method = absl::StrCat("/", EchoService::service_full_name(), "/Echo");
  testdata::EchoRequest request;
  request.set_text(std::string(500, 'x'));
  EXPECT_TRUE(CallRaw(**server, method, request.SerializeAsString()).ok());
  request.set_text(std::string(2000, 'x'));
  EXPECT_EQ(CallRaw(**server, method, request.SerializeAsString()).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace tokenwatch::common

// RunOnExecutor, Responder and RpcMetrics against a real server in this process.
#include <atomic>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "common/metrics/bug.h"
#include "common/metrics/registry.h"
#include "common/rpc/echo_server_for_test.h"
#include "common/rpc/responder.h"
#include "common/rpc/run_on_executor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kService[] = "tokenwatch.testdata.EchoService";

struct Reply {
  grpc::Status status;
  std::string text;
};

Reply Call(EchoServerForTest& server, const std::string& text, absl::Duration timeout = absl::Seconds(30),
           const std::string& request_id = "") {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  if (!request_id.empty()) context.AddMetadata(kRequestIdKey, request_id);
  EchoRequest request;
  request.set_text(text);
  EchoResponse response;
  Reply reply;
  reply.status = server.stub().Echo(&context, request, &response);
  reply.text = response.text();
  return reply;
}

Executor::Options OneThread(size_t queue_capacity) {
  return {.name = "rpc", .threads = 1, .queue_capacity = queue_capacity};
}

TEST(RunOnExecutor, AnswersWithTheWorksStatusAndResponse) {
  Executor executor(OneThread(4));
  EchoServerForTest server([&](auto* context, auto* request, auto* response) {
    return RunOnExecutor(executor, context, [=](const CallInfo& info) -> absl::Status {
      if (request->text() == "bad") return absl::InvalidArgumentError("text: not this one");
      EXPECT_LT(info.deadline, absl::Now() + absl::Minutes(1));
      response->set_text(request->text());
      return absl::OkStatus();
    });
  });
  EXPECT_EQ(Call(server, "hello").text, "hello");
  const grpc::Status status = Call(server, "bad").status;
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "text: not this one");
}

TEST(RunOnExecutor, RefusesWhenTheExecutorIsFull) {
  Executor executor(OneThread(1));
  std::latch started(1);
  std::latch release(1);
  ASSERT_TRUE(executor.TrySubmit([&] {
    started.count_down();
    release.wait();
  }));
  started.wait();
  ASSERT_TRUE(executor.TrySubmit([] {}));
  EchoServerForTest server([&](auto* context, auto*, auto*) {
    return RunOnExecutor(executor, context, [](const CallInfo&) { return absl::OkStatus(); });
  });
  EXPECT_EQ(Call(server, "").status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  release.count_down();
  EXPECT_TRUE(executor.Drain(absl::Seconds(30)));  // before the latches are gone
}

TEST(RunOnExecutor, RefusesLateWorkWithoutRunningIt) {
  Executor executor(OneThread(1));
  std::atomic<bool> ran{false};
  EchoServerForTest server([&](auto* context, auto*, auto*) {
    return RunOnExecutor(executor, context,
                         [&](const CallInfo&) {
                           ran = true;
                           return absl::OkStatus();
                         },
                         {.floor = absl::Hours(1)});
  });
  const grpc::Status status = Call(server, "").status;
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(status.error_message(), HasSubstr("refused"));
  EXPECT_FALSE(ran);
}

TEST(RunOnExecutor, AStoppedExecutorAnswersWhatWaitedWithUnavailable) {
  auto executor = std::make_unique<Executor>(OneThread(4));
  std::latch started(1);
  std::latch release(1);
  ASSERT_TRUE(executor->TrySubmit([&] {
    started.count_down();
    release.wait();
  }));
  started.wait();
  std::latch queued(1);
  EchoServerForTest server([&](auto* context, auto*, auto*) {
    auto* reactor = RunOnExecutor(*executor, context, [](const CallInfo&) { return absl::OkStatus(); });
    queued.count_down();
    return reactor;
  });
  grpc::Status status;
  std::thread caller([&] { status = Call(server, "").status; });
  queued.wait();
  std::thread stopper([&] { executor->Stop(); });
  caller.join();
  release.count_down();
  stopper.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST(RunOnExecutor, AnExceptionIsInternalAndCounted) {
  MetricRegistry registry;
  const BugMetrics bugs(registry);
  Executor executor(OneThread(4));
  EchoServerForTest server([&](auto* context, auto*, auto*) {
    return RunOnExecutor(executor, context,
                         [](const CallInfo&) -> absl::Status { throw std::runtime_error("secret detail"); });
  });
  const grpc::Status status = Call(server, "").status;
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_FALSE(absl::StrContains(status.error_message(), "secret"));
  EXPECT_THAT(registry.Text(), HasSubstr("bug_total{site=\"rpc_exception\"} 1"));
}

TEST(Responder, ADroppedCallIsAnsweredAndCounted) {
  MetricRegistry registry;
  const BugMetrics bugs(registry);
  EXPECT_THAT(registry.Text(), HasSubstr("bug_total{site=\"rpc_unfinished\"} 0"));
  EchoServerForTest server([&](auto* context, auto*, auto*) {
    auto* reactor = context->DefaultReactor();
    Responder forgotten(reactor);
    return reactor;
  });
  EXPECT_EQ(Call(server, "").status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(registry.Text(), HasSubstr("bug_total{site=\"rpc_unfinished\"} 1"));
}

TEST(Responder, AnswersOnceAndTheDutyMoves) {
  EchoServerForTest server([&](auto* context, auto*, auto*) {
    auto* reactor = context->DefaultReactor();
    Responder first(reactor);
    Responder second(std::move(first));
    EXPECT_FALSE(first.pending());  // NOLINT(bugprone-use-after-move)
    EXPECT_TRUE(second.pending());
    second.Finish(absl::NotFoundError("none"));
    second.Finish(absl::OkStatus());
    return reactor;
  });
  EXPECT_EQ(Call(server, "").status.error_code(), grpc::StatusCode::NOT_FOUND);
}

// Serves the request id the handler sees.
class RpcMetricsTest : public ::testing::Test {
 protected:
  MetricRegistry registry_;
  std::unique_ptr<RpcMetrics> metrics_ = *RpcMetrics::Create(registry_, {kService});
  EchoServerForTest server_{[](auto* context, auto* request, auto* response) {
                              auto* reactor = context->DefaultReactor();
                              response->set_text(CallInfoOf(*context).request_id);
                              reactor->Finish(request->text() == "fail"
                                                  ? grpc::Status(grpc::StatusCode::NOT_FOUND, "none")
                                                  : grpc::Status::OK);
                              return reactor;
                            },
                            nullptr, metrics_.get()};
};

TEST_F(RpcMetricsTest, GoldenNames) {
  EXPECT_THAT(registry_.Names(), ElementsAre("grpc_server_handled_total counter grpc_code,grpc_method,grpc_service",
                                             "grpc_server_handling_seconds histogram grpc_method,grpc_service",
                                             "grpc_server_started_total counter grpc_method,grpc_service"));
}

TEST_F(RpcMetricsTest, SeriesOfAllMethodsExistAtZero) {
  const std::string text = registry_.Text();
  const std::string labels = "grpc_method=\"Repeat\",grpc_service=\"tokenwatch.testdata.EchoService\"} 0";
  EXPECT_THAT(text, HasSubstr("grpc_server_started_total{" + labels));
  EXPECT_THAT(text, HasSubstr("grpc_server_handled_total{grpc_code=\"UNAVAILABLE\"," + labels));
  EXPECT_THAT(text, HasSubstr("grpc_server_handling_seconds_count{" + labels));
}

TEST_F(RpcMetricsTest, CountsByCode) {
  Call(server_, "ok");
  Call(server_, "ok");
  Call(server_, "fail");
  const std::string text = registry_.Text();
  const std::string labels = "grpc_method=\"Echo\",grpc_service=\"tokenwatch.testdata.EchoService\"} ";
  EXPECT_THAT(text, HasSubstr("grpc_server_started_total{" + labels + "3"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handled_total{grpc_code=\"OK\"," + labels + "2"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handled_total{grpc_code=\"NOT_FOUND\"," + labels + "1"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handling_seconds_count{" + labels + "3"));
}

TEST_F(RpcMetricsTest, TheCallersRequestIdIsKeptAndAMissingOrBadOneReplaced) {
  EXPECT_EQ(Call(server_, "", absl::Seconds(30), "caller-7").text, "caller-7");
  const std::string made = Call(server_, "").text;
  EXPECT_EQ(made.size(), 16u);
  EXPECT_NE(Call(server_, "").text, made);
  EXPECT_EQ(Call(server_, "", absl::Seconds(30), "not \"usable\"").text.size(), 16u);
}

TEST(RpcMetrics, AnUnknownServiceIsAnError) {
  MetricRegistry registry;
  EXPECT_EQ(RpcMetrics::Create(registry, {"no.such.Service"}).status().message(),
            "service no.such.Service is not linked into this program");
}

}  // namespace
}  // namespace tokenwatch::common

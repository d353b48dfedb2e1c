#include "common/rpc/client_call.h"

#include <string>
#include <vector>

#include "common/rpc/channel.h"
#include "common/rpc/echo_server_for_test.h"
#include "common/rpc/status.h"
#include "common/time/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CallUnaryTest : public ::testing::Test {
 protected:
  ClientCallOptions Options(bool idempotent) {
    return {.timeout = absl::Seconds(5),
            .idempotent = idempotent,
            .max_attempts = 4,
            .backoff = {.initial = absl::Seconds(1), .cap = absl::Seconds(60), .multiplier = 2},
            .random = [] { return 0.5; },
            .clock = &clock_,
            .sleep =
                [this](const std::stop_token& stop, absl::Duration pause) {
                  pauses_.push_back(pause);
                  clock_.Advance(pause);
                  return !stop.stop_requested();
                }};
  }

  // Fails `failures` times with `code`, then succeeds.
  absl::Status Run(const ClientCallOptions& options, int failures,
                   grpc::StatusCode code = grpc::StatusCode::UNAVAILABLE, const CallInfo& inherited = {}) {
    return CallUnary(inherited, options, [&](grpc::ClientContext& context) {
      deadlines_.push_back(absl::FromChrono(context.deadline()));
      return ++attempts_ <= failures ? grpc::Status(code, "away") : grpc::Status::OK;
    });
  }

  FakeClock clock_;
  const absl::Time start_ = clock_.Now();
  int attempts_ = 0;
  std::vector<absl::Duration> pauses_;
  std::vector<absl::Time> deadlines_;
};

TEST_F(CallUnaryTest, AnIdempotentCallIsRepeatedWhileThePeerIsAway) {
  EXPECT_TRUE(Run(Options(true), 2).ok());
  EXPECT_EQ(attempts_, 3);
  EXPECT_THAT(pauses_, ElementsAre(absl::Milliseconds(500), absl::Seconds(1)));
}

TEST_F(CallUnaryTest, AllAttemptsShareOneDeadline) {
  ASSERT_TRUE(Run(Options(true), 2).ok());
  for (absl::Time deadline : deadlines_) EXPECT_EQ(deadline, start_ + absl::Seconds(5));
}

TEST_F(CallUnaryTest, NothingElseIsRepeated) {
  EXPECT_EQ(Run(Options(false), 1).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(attempts_, 1);
  attempts_ = 0;
  EXPECT_EQ(Run(Options(true), 1, grpc::StatusCode::DEADLINE_EXCEEDED).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(attempts_, 1);
  EXPECT_THAT(pauses_, IsEmpty());
}

TEST_F(CallUnaryTest, StopsAfterTheLastAttempt) {
  ClientCallOptions options = Options(true);
  options.timeout = absl::Hours(1);
  EXPECT_EQ(Run(options, 100).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(attempts_, 4);
}

TEST_F(CallUnaryTest, StopsWhenThePauseWouldPassTheDeadline) {
  ClientCallOptions options = Options(true);
  options.max_attempts = 100;
  EXPECT_EQ(Run(options, 100).message(), "away");
  EXPECT_EQ(attempts_, 4);  // pauses 0.5 + 1 + 2 s; the next, of 4 s, does not fit into 5 s
}

TEST_F(CallUnaryTest, AnInheritedDeadlineWins) {
  EXPECT_TRUE(Run(Options(true), 0, grpc::StatusCode::OK, {.deadline = start_ + absl::Seconds(1)}).ok());
  EXPECT_THAT(deadlines_, ElementsAre(start_ + absl::Seconds(1)));
}

TEST_F(CallUnaryTest, AStopEndsTheWaiting) {
  std::stop_source source;
  source.request_stop();
  ClientCallOptions options = Options(true);
  options.stop = source.get_token();
  EXPECT_EQ(Run(options, 100).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(attempts_, 1);
}

TEST(CallUnary, ReachesARealServerWithDeadlineAndRequestId) {
  EchoServerForTest server([](auto* context, auto* request, auto* response) {
    auto* reactor = context->DefaultReactor();
    const CallInfo info = CallInfoOf(*context);
    EXPECT_LT(info.deadline, absl::Now() + absl::Minutes(1));
    response->set_text(request->text() + info.request_id);
    reactor->Finish(grpc::Status::OK);
    return reactor;
  });
  const auto channel = MakeChannel({.target = server.address()});
  const auto stub = EchoService::NewStub(channel);
  EchoRequest request;
  request.set_text("id=");
  EchoResponse response;
  const absl::Status status =
      CallUnary({.request_id = "r1"}, {.timeout = absl::Seconds(30)},
                [&](grpc::ClientContext& context) { return stub->Echo(&context, request, &response); });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(response.text(), "id=r1");
}

TEST(MakeChannel, LimitsTheSizeOfMessages) {
  EchoServerForTest server([](auto* context, auto* request, auto* response) {
    auto* reactor = context->DefaultReactor();
    response->set_text(request->text());
    reactor->Finish(grpc::Status::OK);
    return reactor;
  });
  const auto stub = EchoService::NewStub(MakeChannel({.target = server.address(), .max_message_bytes = 1000}));
  EchoRequest request;
  request.set_text(std::string(2000, 'x'));
  EchoResponse response;
  const absl::Status status = CallUnary({}, {.timeout = absl::Seconds(30)}, [&](grpc::ClientContext& context) {
    return stub->Echo(&context, request, &response);
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

TEST(Status, SurvivesBothDirections) {
  const grpc::Status rich(grpc::StatusCode::ABORTED, "again", std::string("\x08\x0A\x00z", 4));
  const absl::Status status = FromGrpc(rich);
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(status.message(), "again");
  const grpc::Status back = ToGrpc(status);
  EXPECT_EQ(back.error_code(), rich.error_code());
  EXPECT_EQ(back.error_message(), rich.error_message());
  EXPECT_EQ(back.error_details(), rich.error_details());
  EXPECT_TRUE(FromGrpc(grpc::Status::OK).ok());
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
}

TEST(Status, EveryCodeKeepsItsNameAndNumber) {
  for (int code = 1; code <= 16; ++code) {
    const grpc::Status status(static_cast<grpc::StatusCode>(code), "x");
    EXPECT_EQ(absl::StatusCodeToString(FromGrpc(status).code()), CodeName(status.error_code()));
    EXPECT_EQ(ToGrpc(FromGrpc(status)).error_code(), status.error_code());
  }
}

TEST(RefuseIfLate, ComparesWithTheFloor) {
  const absl::Time now = absl::FromUnixSeconds(1'783'000'000);
  EXPECT_TRUE(RefuseIfLate(absl::InfiniteFuture(), now, absl::Seconds(1)).ok());
  EXPECT_TRUE(RefuseIfLate(now + absl::Seconds(1), now, absl::Seconds(1)).ok());
  EXPECT_EQ(RefuseIfLate(now + absl::Milliseconds(999), now, absl::Seconds(1)).code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(IsRequestId, AcceptsOnlyHarmlessText) {
  EXPECT_TRUE(IsRequestId("a-b_c.d:9"));
  EXPECT_FALSE(IsRequestId(""));
  EXPECT_FALSE(IsRequestId("a b"));
  EXPECT_FALSE(IsRequestId("a\"b"));
  EXPECT_TRUE(IsRequestId(std::string(kMaxRequestIdBytes, 'a')));
  EXPECT_FALSE(IsRequestId(std::string(kMaxRequestIdBytes + 1, 'a')));
}

}  // namespace
}  // namespace tokenwatch::common

#include "common/rpc/pull_stream.h"

#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/rpc/echo_server_for_test.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Stream = PullStream<EchoResponse>;

// A server whose stream pulls from `pull`; the stream itself is at hand once `started` has counted down.
class PullStreamTest : public ::testing::Test {
 protected:
  void Serve(Stream::Pull pull, Executor::Options options = {.name = "streams", .threads = 2, .queue_capacity = 4}) {
    pull_ = std::move(pull);
    executor_ = std::make_unique<Executor>(options);
    server_ = std::make_unique<EchoServerForTest>(nullptr, [this](auto*, auto*) {
      auto stream = Stream::Start(*executor_, std::move(pull_));
      stream_ = stream;
      started_.count_down();
      return stream.get();
    });
  }
  ~PullStreamTest() override {
    server_.reset();
    EXPECT_TRUE(executor_->Drain(absl::Seconds(30)));
    executor_.reset();
    EXPECT_TRUE(stream_.expired()) << "the stream outlived its call";
  }

  struct Received {
    std::vector<std::string> texts;
    grpc::Status status;
  };
  // Reads to the end; cancels after `cancel_after` messages when that is not 0.
  Received Read(size_t cancel_after = 0) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
    auto reader = server_->stub().Repeat(&context, EchoRequest());
    Received received;
    EchoResponse response;
    while (reader->Read(&response)) {
      received.texts.push_back(response.text());
      if (received.texts.size() == cancel_after) context.TryCancel();
    }
    received.status = reader->Finish();
    return received;
  }

  std::latch started_{1};
  std::weak_ptr<Stream> stream_;
  std::unique_ptr<Executor> executor_;

 private:
  Stream::Pull pull_;
  std::unique_ptr<EchoServerForTest> server_;
};

// Writes "0" to "n-1".
auto Count(int n) {
  return [n, i = 0](EchoResponse* response, const std::atomic<bool>&) mutable -> absl::StatusOr<PullResult> {
    if (i == n) return PullResult::kEnd;
    EXPECT_EQ(response->text(), "");
    response->set_text(absl::StrCat(i++));
    return PullResult::kWrite;
  };
}

TEST_F(PullStreamTest, WritesInOrderAndEnds) {
  Serve(Count(500));
  const Received received = Read();
  EXPECT_TRUE(received.status.ok());
  ASSERT_EQ(received.texts.size(), 500u);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(received.texts[static_cast<size_t>(i)], absl::StrCat(i));
}

TEST_F(PullStreamTest, AnErrorEndsIt) {
  Serve([](EchoResponse*, const std::atomic<bool>&) -> absl::StatusOr<PullResult> {
    return absl::OutOfRangeError("cursor too old");
  });
  const Received received = Read();
  EXPECT_THAT(received.texts, IsEmpty());
  EXPECT_EQ(received.status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(received.status.error_message(), "cursor too old");
}

TEST_F(PullStreamTest, AnExceptionIsInternal) {
  Serve([](EchoResponse*, const std::atomic<bool>&) -> absl::StatusOr<PullResult> { throw std::runtime_error("x"); });
  EXPECT_EQ(Read().status.error_code(), grpc::StatusCode::INTERNAL);
}

TEST_F(PullStreamTest, AnIdleStreamHoldsNoThreadAndGoesOnWhenWoken) {
  std::latch idle(1);
  std::atomic<int> available{0};
  Serve(
      [&, written = 0](EchoResponse* response, const std::atomic<bool>&) mutable -> absl::StatusOr<PullResult> {
        if (written == 3) return PullResult::kEnd;
        if (written == available) {
          if (written == 0) idle.count_down();
          return PullResult::kIdle;
        }
        response->set_text(absl::StrCat(written++));
        return PullResult::kWrite;
      },
      {.name = "streams", .threads = 1, .queue_capacity = 4});
  std::thread source([&] {
    idle.wait();
    std::latch free(1);
    EXPECT_TRUE(executor_->TrySubmit([&] { free.count_down(); }));  // the only thread takes other work
    free.wait();
    for (int i = 1; i <= 3; ++i) {
      available = i;
      if (auto stream = stream_.lock()) stream->Wake();
    }
  });
  const Received received = Read();
  source.join();
  EXPECT_TRUE(received.status.ok());
  EXPECT_THAT(received.texts, ElementsAre("0", "1", "2"));
}

TEST_F(PullStreamTest, ACallerThatLeavesEndsABusyStream) {
  Serve(Count(1'000'000'000));
  EXPECT_EQ(Read(/*cancel_after=*/3).status.error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(PullStreamTest, ACallerThatLeavesEndsAnIdleStream) {
  Serve([first = true](EchoResponse* response, const std::atomic<bool>&) mutable -> absl::StatusOr<PullResult> {
    if (!std::exchange(first, false)) return PullResult::kIdle;
    response->set_text("one");
    return PullResult::kWrite;
  });
  EXPECT_EQ(Read(/*cancel_after=*/1).status.error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(PullStreamTest, CloseEndsAnIdleStreamWithItsStatus) {
  Serve([](EchoResponse*, const std::atomic<bool>&) -> absl::StatusOr<PullResult> { return PullResult::kIdle; });
  std::thread closer([&] {
    started_.wait();
    if (auto stream = stream_.lock()) stream->Close(absl::UnavailableError("draining"));
  });
  const Received received = Read();
  closer.join();
  EXPECT_EQ(received.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(received.status.error_message(), "draining");
}

TEST_F(PullStreamTest, CloseReachesAPullThatWaits) {
  std::latch pulling(1);
  Serve([&](EchoResponse*, const std::atomic<bool>& ended) -> absl::StatusOr<PullResult> {
    pulling.count_down();
    while (!ended) std::this_thread::yield();
    return PullResult::kIdle;
  });
  std::thread closer([&] {
    pulling.wait();
    if (auto stream = stream_.lock()) stream->Close(absl::UnavailableError("draining"));
  });
  EXPECT_EQ(Read().status.error_code(), grpc::StatusCode::UNAVAILABLE);
  closer.join();
}

TEST_F(PullStreamTest, AFullExecutorEndsIt) {
  Serve(Count(1), {.name = "streams", .threads = 1, .queue_capacity = 1});
  std::latch busy(1);
  std::latch release(1);
  ASSERT_TRUE(executor_->TrySubmit([&] {
    busy.count_down();
    release.wait();
  }));
  busy.wait();
  ASSERT_TRUE(executor_->TrySubmit([] {}));
  EXPECT_EQ(Read().status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  release.count_down();
  EXPECT_TRUE(executor_->Drain(absl::Seconds(30)));  // before the latches are gone
}

}  // namespace
}  // namespace tokenwatch::common

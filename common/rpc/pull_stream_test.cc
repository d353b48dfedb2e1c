// PullStream against a real server in this process.
#include "common/rpc/pull_stream.h"

#include <atomic>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/echo_server_for_test.h"
#include "common/testing/wait_for.h"
#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

// What the sources of a test do, and what they saw.
struct Script {
  // Messages there are by now; more may be added while streams wait.
  std::atomic<int> messages{0};
  // The stream ends after so many.
  std::atomic<int> end_after{1'000'000'000};
  size_t message_bytes = 0;
  bool works_ahead = true;

  std::atomic<int> alive{0};
  std::atomic<int> armed{0};
  std::atomic<int> disarmed{0};
  std::atomic<int> sent{0};

  // Wakes whoever waits.
  void Add(int count) {
    messages += count;
    std::vector<std::function<void()>> waiters;
    {
      MutexLock lock(mutex);
      waiters.swap(wakes);
    }
    for (const auto& wake : waiters) wake();
  }
  Mutex mutex;
  std::vector<std::function<void()>> wakes TW_GUARDED_BY(mutex);
};

class Source final : public PullSource<EchoResponse> {
 public:
  explicit Source(Script& script) : script_(script) { ++script_.alive; }
  ~Source() override { --script_.alive; }

  Pull Next(EchoResponse* response, absl::Status* status) override {
    if (next_ >= script_.end_after) {
      *status = absl::DataLossError("the source ends so");
      return Pull::kEnd;
    }
    if (next_ >= script_.messages) return Pull::kWait;
    response->set_text(absl::StrCat(next_++, std::string(script_.message_bytes, '.')));
    ++script_.sent;
    return Pull::kSend;
  }
  void Arm(std::function<void()> wake) override {
    ++script_.armed;
    {
      MutexLock lock(script_.mutex);
      if (next_ >= script_.messages) {
        script_.wakes.push_back(std::move(wake));
        return;
      }
    }
    wake();
  }
  void Disarm() override {
    ++script_.disarmed;
    // One stream at a time waits in these tests, or all end together.
    MutexLock lock(script_.mutex);
    script_.wakes.clear();
  }
  std::string Resume() const override { return absl::StrCat("resume after ", next_); }
  bool works_ahead() const override { return script_.works_ahead; }

 private:
  Script& script_;
  int next_ = 0;
};

class PullStreamTest : public ::testing::Test {
 protected:
  explicit PullStreamTest(StreamSet::Options options = {.max_streams = 4}) : set_(options) {}
  ~PullStreamTest() override {
    set_.EndAll(absl::UnavailableError("over"));
    EXPECT_TRUE(WaitFor([&] { return set_.counts().open == 0; }));
    server_.server().Shutdown();
    executor_.Stop();
    EXPECT_EQ(script_.alive, 0) << "every source must die with its stream";
  }

  struct Client {
    explicit Client(EchoServerForTest& server) {
      context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
      // A connection of its own: streams of one connection share its window.
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      stub = EchoService::NewStub(
          grpc::CreateCustomChannel(server.address(), grpc::InsecureChannelCredentials(), arguments));
      reader = stub->Repeat(&context, EchoRequest());
    }
    ~Client() {
      if (!finished) Finish();
    }
    std::string Read() {
      EchoResponse response;
      return reader->Read(&response) ? response.text() : "(end)";
    }
    grpc::Status Finish() {
      finished = true;
      EchoResponse response;
      while (reader->Read(&response)) ++read_at_finish;
      return reader->Finish();
    }
    grpc::ClientContext context;
    std::unique_ptr<EchoService::Stub> stub;
    std::unique_ptr<grpc::ClientReader<EchoResponse>> reader;
    bool finished = false;
    int read_at_finish = 0;
  };

  Script script_;
  StreamSet set_;
  Executor executor_{{.name = "pull", .threads = 2, .queue_capacity = 16}};
  EchoServerForTest server_{nullptr, [this](grpc::CallbackServerContext* context, const EchoRequest* request) {
                              if (request->text() == "refuse") {
                                return PullStream<EchoResponse>::Refuse(absl::InvalidArgumentError("text: not this"));
                              }
                              return PullStream<EchoResponse>::Start(context, executor_, set_,
                                                                     std::make_unique<Source>(script_));
                            }};
};

TEST_F(PullStreamTest, MessagesComeInOrderAndThenTheSourcesEnd) {
  script_.messages = 500;
  script_.end_after = 500;
  Client client(server_);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(client.Read(), absl::StrCat(i));
  const grpc::Status status = client.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_EQ(status.error_message(), "the source ends so");
  EXPECT_TRUE(WaitFor([&] { return script_.alive == 0; }));
  EXPECT_EQ(script_.disarmed, 1);
  EXPECT_EQ(set_.counts().open, 0u);
}

TEST_F(PullStreamTest, WaitsWithoutAThread) {
  Client first(server_);
  Client second(server_);
  Client third(server_);
  EXPECT_TRUE(WaitFor([&] { return script_.armed >= 3; }));
  EXPECT_TRUE(WaitFor([&] { return executor_.running() == 0; })) << "three wait, and no thread with them";
  EXPECT_EQ(set_.counts().open, 3u);
  script_.Add(2);
  for (Client* client : {&first, &second, &third}) {
    EXPECT_EQ(client->Read(), "0");
    EXPECT_EQ(client->Read(), "1");
  }
  script_.end_after = 2;
  script_.Add(1);
  for (Client* client : {&first, &second, &third}) {
    EXPECT_EQ(client->Finish().error_code(), grpc::StatusCode::DATA_LOSS);
  }
}

TEST_F(PullStreamTest, ACancelWhileWaitingEndsAndDisarms) {
  Client client(server_);
  EXPECT_TRUE(WaitFor([&] { return script_.armed == 1; }));
  client.context.TryCancel();
  EXPECT_EQ(client.Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(WaitFor([&] { return script_.disarmed == 1 && set_.counts().open == 0; }));
  EXPECT_TRUE(WaitFor([&] { return script_.alive == 0; }));
  script_.Add(1);  // Wakes nobody.
}

TEST_F(PullStreamTest, EndAllEndsWaitersAndLaterStreams) {
  Client waiting(server_);
  EXPECT_TRUE(WaitFor([&] { return script_.armed == 1; }));
  set_.EndAll(absl::UnavailableError("the service is stopping"));
  const grpc::Status status = waiting.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the service is stopping");
  Client late(server_);
  EXPECT_EQ(late.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(set_.counts().refused, 1u);
}

TEST_F(PullStreamTest, TooManyStreamsAreRefused) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(std::make_unique<Client>(server_));
  EXPECT_TRUE(WaitFor([&] { return set_.counts().open == 4; }));
  Client fifth(server_);
  EXPECT_EQ(fifth.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(set_.counts().refused, 1u);
  // There is room again once one has gone.
  clients[0]->context.TryCancel();
  EXPECT_TRUE(WaitFor([&] { return set_.counts().open == 3; }));
  Client sixth(server_);
  EXPECT_TRUE(WaitFor([&] { return set_.counts().open == 4; }));
  set_.EndAll(absl::UnavailableError("over"));
}

TEST_F(PullStreamTest, ARequestThatCannotBeServedEndsAtOnce) {
  grpc::ClientContext context;
  EchoRequest request;
  request.set_text("refuse");
  const auto reader = server_.stub().Repeat(&context, request);
  EchoResponse response;
  EXPECT_FALSE(reader->Read(&response));
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "text: not this");
  EXPECT_EQ(set_.counts().open, 0u);
}

TEST_F(PullStreamTest, AnExecutorWithoutRoomEndsTheStream) {
  executor_.Stop();
  Client client(server_);
  const grpc::Status status = client.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(absl::StrContains(status.error_message(), "resume after 0"));
}

class StallTest : public PullStreamTest {
 protected:
  static constexpr absl::Duration kStallLimit = absl::Milliseconds(400);
  StallTest() : PullStreamTest({.max_streams = 4, .stall_limit = kStallLimit}) {
    script_.messages = 1'000'000;
    script_.message_bytes = 256 * 1024;
  }

  // How many messages are made when nobody reads: until the window is full, which shows in that no more are.
  int MadeForNobody() {
    int before = -1;
    int looks = 0;
    EXPECT_TRUE(WaitFor([&] {
      looks = before == script_.sent && before > 0 ? looks + 1 : 0;
      before = script_.sent;
      absl::SleepFor(absl::Milliseconds(20));
      return looks >= 15;
    }));
    return before;
  }
};

TEST_F(StallTest, AMessageIsMadeAheadOnlyWhereTheSourceLikesThat) {
  int made[2] = {0, 0};
  for (const bool ahead : {false, true}) {
    script_.works_ahead = ahead;
    script_.sent = 0;
    Client lazy(server_);
    made[ahead ? 1 : 0] = MadeForNobody();
    lazy.context.TryCancel();
    lazy.Finish();
    EXPECT_TRUE(WaitFor([&] { return set_.counts().open == 0; }));
  }
  EXPECT_EQ(made[1], made[0] + 1);
}

TEST_F(StallTest, WhoNeverReadsIsCutOffAndAnotherGoesOn) {
  Client lazy(server_);
  MadeForNobody();
  Client eager(server_);
  int read = 0;
  EXPECT_TRUE(WaitFor([&] {
    // The stall is judged by a time of the test's own, so that a machine which stands still for a while makes nobody
    // stall: once as many messages are read as were made for all streams by then, what is in flight to the eager reader
    // was begun later.
    const absl::Time then = absl::Now();
    for (const int made = script_.sent; read <= made + 1; ++read) {
      if (eager.Read() == "(end)") return true;
    }
    set_.CutOffStalled(then + kStallLimit);
    return set_.counts().cut_off == 1 && set_.counts().open == 1;
  })) << set_.counts().cut_off;
  for (int i = 0; i < 3; ++i) EXPECT_NE(eager.Read(), "(end)");
  EXPECT_EQ(set_.counts().cut_off, 1u);
  EXPECT_FALSE(lazy.Finish().ok());
  eager.context.TryCancel();
}

TEST_F(StallTest, WhoReadsAgainInTimeLearnsWhereToGoOn) {
  Client slow(server_);
  EXPECT_TRUE(WaitFor([&] {
    set_.CutOffStalled(absl::Now());
    return set_.counts().cut_off == 1;
  }));
  const grpc::Status status = slow.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  // What was ready but not sent is not counted; it was one message at most.
  EXPECT_TRUE(absl::EndsWith(status.error_message(), absl::StrCat("too slowly; resume after ", slow.read_at_finish)))
      << status.error_message() << " after " << slow.read_at_finish;
  EXPECT_GE(script_.sent, slow.read_at_finish);
  EXPECT_LE(script_.sent, slow.read_at_finish + 1);
}

}  // namespace
}  // namespace tokenwatch::common

#include "common/http/websocket.h"

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/sync/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/fake_websocket_server.h"

namespace tokenwatch::common {
namespace {

using fakes::FakeEnding;
using fakes::FakeHandshake;
using fakes::FakeWebSocketServer;
using fakes::WebSocketBehaviour;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// What a client has reported.
struct Seen {
  int opens = 0;
  int silences = 0;
  std::vector<std::string> texts;
  std::vector<absl::Status> closes;
  std::vector<std::string> lines;
};

// Records what a client reports, and waits for it.
class Observer {
 public:
  WebSocketHandler Handler() {
    WebSocketHandler handler;
    handler.on_open = [this] {
      if (greet) greet();
      Note([](Seen& seen) { ++seen.opens; });
    };
    handler.on_text = [this](absl::string_view text, absl::Time) {
      Note([text](Seen& seen) { seen.texts.emplace_back(text); });
    };
    handler.on_close = [this](const absl::Status& reason) {
      Note([&reason](Seen& seen) { seen.closes.push_back(reason); });
    };
    handler.on_log = [this](absl::string_view line, uint64_t) {
      Note([line](Seen& seen) { seen.lines.emplace_back(line); });
    };
    handler.on_silence = [this](absl::Duration) { Note([](Seen& seen) { ++seen.silences; }); };
    return handler;
  }

  bool WaitForOpens(int count) {
    return Wait([count](const Seen& seen) { return seen.opens >= count; });
  }
  bool WaitForTexts(size_t count) {
    return Wait([count](const Seen& seen) { return seen.texts.size() >= count; });
  }
  bool WaitForCloses(size_t count) {
    return Wait([count](const Seen& seen) { return seen.closes.size() >= count; });
  }
  std::vector<std::string> texts() { return Copy().texts; }
  std::vector<absl::Status> closes() { return Copy().closes; }
  std::vector<std::string> lines() { return Copy().lines; }
  int silences() { return Copy().silences; }

  // Run in on_open.
  std::function<void()> greet;

 private:
  Seen Copy() {
    MutexLock lock(mutex_);
    return seen_;
  }
  template <typename Change>
  void Note(Change change) {
    MutexLock lock(mutex_);
    change(seen_);
    changed_.NotifyAll();
  }
  template <typename Condition>
  bool Wait(Condition condition) {
    const absl::Time until = absl::Now() + absl::Seconds(10);
    MutexLock lock(mutex_);
    while (!condition(seen_)) {
      if (absl::Now() > until) return false;
      changed_.WaitFor(mutex_, until - absl::Now());
    }
    return true;
  }

  Mutex mutex_;
  CondVar changed_;
  Seen seen_ TW_GUARDED_BY(mutex_);
};

WebSocketOptions QuickOptions(std::string url) {
  return {.url = std::move(url),
          .connect_timeout = absl::Seconds(10),
          .backoff = {.initial = absl::Milliseconds(10), .cap = absl::Milliseconds(20)}};
}

std::unique_ptr<WebSocketClient> MakeClient(WebSocketOptions options, Observer& observer, uint64_t seed = 1) {
  auto client = WebSocketClient::Create(std::move(options), observer.Handler(), SeededRandom(seed));
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

bool Eventually(const std::function<bool()>& condition) {
  const absl::Time until = absl::Now() + absl::Seconds(10);
  while (absl::Now() < until) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

TEST(WebSocketTest, SendsAndReceivesInOrder) {
  FakeWebSocketServer server;
  server.SetBehaviour({.frames = {"one", "two", std::string(100'000, 'x')}, .after_messages = 2});
  Observer observer;
  auto client = MakeClient(QuickOptions(server.Url("/data?api-key=secret")), observer);
  observer.greet = [&] {
    EXPECT_TRUE(client->Send("subscribe a").ok());
    EXPECT_TRUE(client->Send("subscribe b").ok());
  };
  EXPECT_EQ(client->Send("early").code(), absl::StatusCode::kUnavailable);
  client->Start();
  ASSERT_TRUE(observer.WaitForTexts(3));
  EXPECT_THAT(observer.texts(), ElementsAre("one", "two", std::string(100'000, 'x')));
  EXPECT_THAT(server.received(), ElementsAre("subscribe a", "subscribe b"));
  EXPECT_THAT(server.targets(), ElementsAre("/data?api-key=secret"));
  EXPECT_TRUE(client->stats().open);
  client->Stop();
  EXPECT_EQ(client->stats().messages, 3u);
  ASSERT_EQ(observer.closes().size(), 1u);
  EXPECT_EQ(observer.closes()[0].code(), absl::StatusCode::kCancelled);
  for (const std::string& line : observer.lines()) EXPECT_THAT(line, Not(HasSubstr("secret")));
}

TEST(WebSocketTest, ReconnectsAfterDropAndSubscribesAgainOverOneConnectionAtATime) {
  FakeWebSocketServer server;
  server.SetBehaviour({.frames = {"hello"}, .after_messages = 1, .ending = FakeEnding::kDrop});
  Observer observer;
  auto client = MakeClient(QuickOptions(server.Url()), observer);
  observer.greet = [&] { EXPECT_TRUE(client->Send("subscribe").ok()); };
  client->Start();
  ASSERT_TRUE(observer.WaitForOpens(5));
  client->Stop();
  EXPECT_EQ(server.max_alive(), 1);
  EXPECT_GE(server.received().size(), 4u);
  EXPECT_EQ(observer.closes()[0].code(), absl::StatusCode::kUnavailable);
  // Many events in well under a second: one line at most gets through, or two when a second has passed.
  EXPECT_LE(observer.lines().size(), 2u);
}

TEST(WebSocketTest, ReconnectsAfterCloseFrame) {
  FakeWebSocketServer server;
  Observer observer;
  auto client = MakeClient(QuickOptions(server.Url()), observer);
  client->Start();
  ASSERT_TRUE(observer.WaitForOpens(1));
  server.CloseAll();
  ASSERT_TRUE(observer.WaitForOpens(2));
  EXPECT_THAT(std::string(observer.closes()[0].message()), HasSubstr("code 1001"));
}

TEST(WebSocketTest, WaitsAsTheBackoffSays) {
  FakeWebSocketServer server;
  server.SetBehaviour({.handshake = FakeHandshake::kRefuse});
  Observer observer;
  WebSocketOptions options = QuickOptions(server.Url());
  options.backoff = {.initial = absl::Hours(1), .cap = absl::Hours(1)};
  std::vector<double> draws = {0, 0, 0.5};
  auto client = *WebSocketClient::Create(options, observer.Handler(), [&draws] {
    const double draw = draws.front();
    draws.erase(draws.begin());
    return draw;
  });
  client->Start();
  // Two draws of zero: at once; the third waits for half an hour.
  ASSERT_TRUE(observer.WaitForCloses(3));
  client->Stop();
  EXPECT_EQ(server.accepted(), 3);
  EXPECT_TRUE(draws.empty());
  EXPECT_THAT(std::string(observer.closes()[0].message()), HasSubstr("503"));
}

TEST(WebSocketTest, RetryAfterOfARefusedHandshakeIsObeyed) {
  FakeWebSocketServer server;
  server.SetBehaviour({.handshake = FakeHandshake::kRefuse, .refuse_status = 429, .retry_after_s = 300});
  Observer observer;
  auto client = MakeClient(QuickOptions(server.Url()), observer);
  client->Start();
  ASSERT_TRUE(Eventually([&] { return !observer.lines().empty(); }));
  EXPECT_THAT(observer.lines()[0], HasSubstr("trying again in 5m"));
}

TEST(WebSocketTest, SilenceIsReportedAndThenReconnects) {
  FakeWebSocketServer server;
  server.SetBehaviour({.frames = {"only one"}});
  Observer observer;
  WebSocketOptions options = QuickOptions(server.Url());
  options.silence_warn = absl::Milliseconds(40);
  options.silence_reconnect = absl::Milliseconds(120);
  auto client = MakeClient(options, observer);
  client->Start();
  ASSERT_TRUE(observer.WaitForOpens(2));
  EXPECT_GE(observer.silences(), 1);
  EXPECT_EQ(client->stats().silences, 1u);
  EXPECT_EQ(observer.closes()[0].code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(server.max_alive(), 1);
}

TEST(WebSocketTest, AServerThatAnswersNoPingIsGivenUp) {
  FakeWebSocketServer server;
  server.SetBehaviour({.reads = false});
  Observer observer;
  WebSocketOptions options = QuickOptions(server.Url());
  options.ping_interval = absl::Milliseconds(50);
  auto client = MakeClient(options, observer);
  client->Start();
  ASSERT_TRUE(observer.WaitForOpens(2));
  EXPECT_EQ(observer.closes()[0].code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(WebSocketTest, HugeMessageEndsTheConnection) {
  FakeWebSocketServer server;
  server.SetBehaviour({.frames = {std::string(1000, 'a'), std::string(1001, 'b')}});
  Observer observer;
  WebSocketOptions options = QuickOptions(server.Url());
  options.max_message_bytes = 1000;
  auto client = MakeClient(options, observer);
  client->Start();
  ASSERT_TRUE(observer.WaitForCloses(1));
  EXPECT_EQ(observer.closes()[0].code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(observer.texts()[0], std::string(1000, 'a'));
}

TEST(WebSocketTest, UnansweredHandshakeTimesOut) {
  FakeWebSocketServer server;
  server.SetBehaviour({.handshake = FakeHandshake::kIgnore});
  Observer observer;
  WebSocketOptions options = QuickOptions(server.Url());
  options.connect_timeout = absl::Milliseconds(50);
  auto client = MakeClient(options, observer);
  client->Start();
  ASSERT_TRUE(observer.WaitForCloses(2));
  EXPECT_EQ(observer.closes()[0].code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(server.max_alive(), 1);
}

TEST(WebSocketTest, StopsWhileConnecting) {
  FakeWebSocketServer server;
  server.SetBehaviour({.handshake = FakeHandshake::kIgnore});
  Observer observer;
  auto client = MakeClient(QuickOptions(server.Url()), observer);
  client->Start();
  ASSERT_TRUE(Eventually([&] { return server.accepted() == 1; }));
  const absl::Time start = absl::Now();
  client->Stop();
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  ASSERT_EQ(observer.closes().size(), 1u);
  EXPECT_EQ(observer.closes()[0].code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(Eventually([&] { return server.alive() == 0; }));
}

TEST(WebSocketTest, StopsAtAnyMoment) {
  FakeWebSocketServer server;
  for (int i = 0; i < 20; ++i) {
    Observer observer;
    auto client = MakeClient(QuickOptions(server.Url()), observer);
    client->Start();
    const absl::Time until = absl::Now() + i * absl::Microseconds(100);
    while (absl::Now() < until) std::this_thread::yield();
  }
  Observer observer;
  auto never_started = MakeClient(QuickOptions(server.Url()), observer);
  never_started->Stop();
  never_started->Start();
  EXPECT_EQ(never_started->stats().attempts, 0u);
}

TEST(WebSocketTest, OutboundQueueIsBounded) {
  FakeWebSocketServer server;
  Observer observer;
  WebSocketOptions options = QuickOptions(server.Url());
  options.max_outbound = 2;
  auto client = MakeClient(options, observer);
  std::vector<absl::StatusCode> codes;
  // In the callback nothing is written yet, so what is sent there waits.
  observer.greet = [&] {
    for (const char* text : {"1", "2", "3"}) codes.push_back(client->Send(text).code());
  };
  client->Start();
  ASSERT_TRUE(Eventually([&] { return server.received().size() == 2; }));
  EXPECT_THAT(codes, ElementsAre(absl::StatusCode::kOk, absl::StatusCode::kOk, absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(client->stats().refused, 1u);
  // What was written makes room.
  EXPECT_TRUE(Eventually([&] { return client->Send("4").ok(); }));
}

TEST(WebSocketTest, TlsIsVerified) {
  const fakes::SelfSigned identity = fakes::MakeSelfSigned();
  const fakes::PemFile authority(identity.certificate);
  FakeWebSocketServer server({.tls = identity});
  server.SetBehaviour({.frames = {"safe"}});
  {
    Observer observer;
    WebSocketOptions options = QuickOptions(server.Url());
    options.ca_file = authority.path();
    auto client = MakeClient(options, observer);
    client->Start();
    EXPECT_TRUE(observer.WaitForTexts(1));
  }
  Observer observer;
  auto client = MakeClient(QuickOptions(server.Url()), observer);
  client->Start();
  ASSERT_TRUE(observer.WaitForCloses(1));
  EXPECT_EQ(observer.closes()[0].code(), absl::StatusCode::kFailedPrecondition) << observer.closes()[0];
  EXPECT_EQ(client->stats().opened, 0u);
}

TEST(WebSocketTest, CompressionIsByOption) {
  FakeWebSocketServer server({.permessage_deflate = true});
  server.SetBehaviour({.frames = {std::string(50'000, 'z')}});
  Observer observer;
  WebSocketOptions options = QuickOptions(server.Url());
  options.permessage_deflate = true;
  auto client = MakeClient(options, observer);
  client->Start();
  ASSERT_TRUE(observer.WaitForTexts(1));
  EXPECT_EQ(observer.texts()[0], std::string(50'000, 'z'));
}

TEST(WebSocketTest, BadOptionsAreRefused) {
  EXPECT_EQ(WebSocketClient::Create({.url = "http://a.example/"}, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(WebSocketClient::Create({.url = "wss://a.example/", .ca_file = "/no/such/file"}, {}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace tokenwatch::common

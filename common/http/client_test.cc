#include "common/http/client.h"

#include <atomic>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/http/address_guard.h"
#include "common/time/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/fake_http_server.h"

namespace tokenwatch::common {
namespace {

using fakes::FakeHttpServer;
using fakes::FakeReply;
using fakes::HttpFault;
using fakes::RecordedRequest;
using ::testing::HasSubstr;
using ::testing::Not;

HttpRequest Get(std::string url, absl::Duration within = absl::Seconds(20)) {
  HttpRequest request;
  request.url = std::move(url);
  request.deadline = absl::Now() + within;
  return request;
}

// A guard that lets through exactly one address of loopback, on any port.
std::shared_ptr<const AddressGuard> GuardAllowing(std::vector<std::string> addresses) {
  AddressGuardOptions options;
  options.allow_any_port = true;
  options.allowed_addresses = std::move(addresses);
  return std::make_shared<AddressGuard>(options);
}

TEST(HttpClientTest, TenRequestsInARowUseOneConnection) {
  FakeHttpServer server;
  server.Route("/", FakeReply{.body = "hello", .headers = {{"X-Kind", "test"}}});
  HttpClient client;
  for (int i = 0; i < 10; ++i) {
    const auto response = client.FetchSync(Get(server.Url()));
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->status_code, 200);
    EXPECT_EQ(response->body, "hello");
    EXPECT_EQ(response->headers.Find("x-kind"), "test");
    EXPECT_EQ(response->final_url, server.Url());
    EXPECT_GT(response->timings.total, absl::ZeroDuration());
  }
  EXPECT_EQ(server.Count(), 10);
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClientTest, SendsMethodHeadersAndBody) {
  FakeHttpServer server;
  server.Route("/rpc", FakeReply{.status = 201});
  HttpClient client({.user_agent = "agent/7"});
  HttpRequest request = Get(server.Url("/rpc?q=1"));
  request.method = "POST";
  request.body = R"({"a":1})";
  request.headers = {{"Content-Type", "application/json"}, {"X-Key", "k"}};
  const auto response = client.FetchSync(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status_code, 201);
  ASSERT_EQ(server.requests().size(), 1u);
  const RecordedRequest seen = server.requests()[0];
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/rpc?q=1");
  EXPECT_EQ(seen.body, R"({"a":1})");
  EXPECT_EQ(seen.headers.find("content-type")->second, "application/json");
  EXPECT_EQ(seen.headers.find("x-key")->second, "k");
  EXPECT_EQ(seen.headers.find("user-agent")->second, "agent/7");
  EXPECT_EQ(seen.headers.count("expect"), 0u);
}

TEST(HttpClientTest, StatusesAreAnswers) {
  FakeHttpServer server;
  server.Route("/limited", FakeReply{.status = 429, .headers = {{"Retry-After", "7"}}});
  HttpClient client;
  const auto limited = client.FetchSync(Get(server.Url("/limited")));
  ASSERT_TRUE(limited.ok()) << limited.status();
  EXPECT_EQ(limited->status_code, 429);
  EXPECT_EQ(limited->headers.Find("RETRY-AFTER"), "7");
  const auto missing = client.FetchSync(Get(server.Url("/none")));
  ASSERT_TRUE(missing.ok()) << missing.status();
  EXPECT_EQ(missing->status_code, 404);
}

TEST(HttpClientTest, DeadlineEndsDelayStallAndDrip) {
  FakeHttpServer server;
  const std::string body(100, 'x');
  server.Route("/delay", FakeReply{.body = body, .delay = absl::Minutes(1)});
  server.Route("/stall", FakeReply{.body = body, .fault = HttpFault::kStall});
  server.Route("/drip", FakeReply{.body = body, .fault = HttpFault::kDrip});
  HttpClient client;
  for (const char* path : {"/delay", "/stall", "/drip"}) {
    const absl::Time start = absl::Now();
    const auto response = client.FetchSync(Get(server.Url(path), absl::Milliseconds(120)));
    EXPECT_EQ(response.status().code(), absl::StatusCode::kDeadlineExceeded) << path << response.status();
    EXPECT_LT(absl::Now() - start, absl::Seconds(5)) << path;
  }
}

TEST(HttpClientTest, DeadlineIsOfTheInjectedClock) {
  FakeHttpServer server;
  FakeClock clock;
  HttpClient client({}, clock);
  HttpRequest request;
  request.url = server.Url();
  request.deadline = clock.Now();
  EXPECT_EQ(client.FetchSync(request).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(server.connections(), 0);
  request.deadline = clock.Now() + absl::Seconds(20);
  EXPECT_TRUE(client.FetchSync(request).ok());
}

TEST(HttpClientTest, BrokenAnswersAreUnavailable) {
  FakeHttpServer server;
  const std::string body(100, 'x');
  server.Route("/truncate", FakeReply{.body = body, .fault = HttpFault::kTruncate});
  server.Route("/drop", FakeReply{.body = body, .fault = HttpFault::kDrop});
  server.Route("/garbage", FakeReply{.body = body, .fault = HttpFault::kGarbage});
  HttpClient client;
  for (const char* path : {"/truncate", "/drop", "/garbage"}) {
    const auto response = client.FetchSync(Get(server.Url(path) + "?api-key=secret"));
    EXPECT_EQ(response.status().code(), absl::StatusCode::kUnavailable) << path << response.status();
    EXPECT_THAT(std::string(response.status().message()), Not(HasSubstr("secret")));
  }
}

TEST(HttpClientTest, NobodyListeningIsUnavailable) {
  std::string url;
  {
    FakeHttpServer server;
    url = server.Url();
  }
  HttpClient client;
  EXPECT_EQ(client.FetchSync(Get(url)).status().code(), absl::StatusCode::kUnavailable);
}

TEST(HttpClientTest, LargerThanAllowedIsCutOff) {
  FakeHttpServer server;
  server.Route("/exact", FakeReply{.body = std::string(1000, 'x')});
  server.Route("/announced", FakeReply{.body = std::string(10 << 20, 'x')});
  const std::string chunk = absl::StrCat("3e8\r\n", std::string(1000, 'x'), "\r\n");
  server.Route("/chunked", FakeReply{.body = chunk + chunk + "0\r\n\r\n",
                                     .headers = {{"Transfer-Encoding", "chunked"}, {"Content-Length", "0"}}});
  server.Route("/headers",
               FakeReply{.headers = {{"X-Long", std::string(60'000, 'h')}, {"Y", std::string(9'000, 'h')}}});
  HttpClient client;
  HttpRequest request = Get(server.Url("/exact"));
  request.max_body_bytes = 1000;
  EXPECT_TRUE(client.FetchSync(request).ok());
  for (const char* path : {"/announced", "/chunked", "/headers"}) {
    request.url = server.Url(path);
    EXPECT_EQ(client.FetchSync(request).status().code(), absl::StatusCode::kResourceExhausted) << path;
  }
}

TEST(HttpClientTest, FollowsRedirectsUpToTheMaximum) {
  FakeHttpServer server;
  server.Route("/a", FakeReply{.status = 302, .headers = {{"Location", "/b"}}});
  server.Route("/b", FakeReply{.status = 307, .headers = {{"Location", server.Url("/c")}}});
  server.Route("/c", FakeReply{.body = "end"});
  HttpClient client;
  HttpRequest request = Get(server.Url("/a"));
  request.max_redirects = 2;
  const auto followed = client.FetchSync(request);
  ASSERT_TRUE(followed.ok()) << followed.status();
  EXPECT_EQ(followed->body, "end");
  EXPECT_EQ(followed->redirects, 2);
  EXPECT_EQ(followed->final_url, server.Url("/c"));
  request.max_redirects = 1;
  EXPECT_EQ(client.FetchSync(request).status().code(), absl::StatusCode::kFailedPrecondition);
  request.max_redirects = 0;
  const auto kept = client.FetchSync(request);
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->status_code, 302);
}

TEST(HttpClientTest, RedirectToAnotherOriginLosesHeadersAndMayNotCarryABody) {
  FakeHttpServer first;
  FakeHttpServer second;
  second.Route("/", FakeReply{.body = "end"});
  first.Route("/", FakeReply{.status = 307, .headers = {{"Location", second.Url("/")}}});
  HttpClient client;
  HttpRequest request = Get(first.Url());
  request.headers = {{"X-Api-Key", "secret"}};
  ASSERT_TRUE(client.FetchSync(request).ok());
  EXPECT_EQ(first.requests()[0].headers.count("x-api-key"), 1u);
  EXPECT_EQ(second.requests()[0].headers.count("x-api-key"), 0u);
  request.method = "POST";
  request.body = "private";
  EXPECT_EQ(client.FetchSync(request).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(second.Count(), 1);
}

TEST(HttpClientTest, GuardRefusesARedirectToLoopback) {
  FakeHttpServer stranger({.address = "127.0.0.2"});
  FakeHttpServer inside;
  inside.Route("/", FakeReply{.body = "secret"});
  stranger.Route("/", FakeReply{.status = 302, .headers = {{"Location", inside.Url("/")}}});
  HttpClient client;
  HttpRequest request = Get(stranger.Url());
  request.guard = GuardAllowing({"127.0.0.2"});
  EXPECT_EQ(client.FetchSync(request).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(stranger.Count(), 1);
  EXPECT_EQ(inside.connections(), 0);
}

TEST(HttpClientTest, GuardJudgesTheAddressANameResolvesTo) {
  FakeHttpServer inside;
  inside.Route("/", FakeReply{.body = "secret"});
  HttpClientOptions options;
  options.host_overrides = {absl::StrCat("rebind.example.com:", inside.port(), ":127.0.0.1")};
  HttpClient client(options);
  HttpRequest request = Get(absl::StrCat("http://rebind.example.com:", inside.port(), "/"));
  request.guard = GuardAllowing({});
  const auto refused = client.FetchSync(request);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kPermissionDenied) << refused.status();
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("loopback"));
  EXPECT_EQ(inside.connections(), 0);

  // Nor over a connection that an unguarded request left open.
  request.guard = nullptr;
  ASSERT_TRUE(client.FetchSync(request).ok());
  request.guard = GuardAllowing({});
  EXPECT_EQ(client.FetchSync(request).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(inside.Count(), 1);
}

TEST(HttpClientTest, GuardRefusesLocalhost) {
  FakeHttpServer inside;
  HttpClient client;
  HttpRequest request = Get(absl::StrCat("http://localhost:", inside.port(), "/"));
  request.guard = GuardAllowing({});
  EXPECT_EQ(client.FetchSync(request).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(inside.connections(), 0);
}

TEST(HttpClientTest, TlsIsVerified) {
  const fakes::SelfSigned identity = fakes::MakeSelfSigned();
  FakeHttpServer server({.tls = identity});
  server.Route("/", FakeReply{.body = "safe"});
  const fakes::PemFile authority(identity.certificate);
  HttpClient trusting({.ca_file = authority.path()});
  const auto response = trusting.FetchSync(Get(server.Url()));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body, "safe");
  HttpClient strict;
  EXPECT_EQ(strict.FetchSync(Get(server.Url())).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(HttpClientTest, GoesThroughTheProxyUnlessGuarded) {
  FakeHttpServer proxy;
  proxy.RoutePrefix("http://", [](const RecordedRequest&) { return FakeReply{.body = "via proxy"}; });
  FakeHttpServer origin;
  origin.Route("/", FakeReply{.body = "direct"});
  HttpClient client({.proxy = proxy.Url("")});
  HttpRequest request = Get(origin.Url());
  auto response = client.FetchSync(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body, "via proxy");
  request.guard = GuardAllowing({"127.0.0.1"});
  response = client.FetchSync(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body, "direct");
}

TEST(HttpClientTest, UnsendableRequestsAreInvalid) {
  HttpClient client;
  for (const char* url : {"", "nonsense", "ftp://a.example/", "ws://a.example/", "http://a b.example/", "http://"}) {
    EXPECT_EQ(client.FetchSync(Get(url)).status().code(), absl::StatusCode::kInvalidArgument) << url;
  }
  HttpRequest request = Get("http://127.0.0.1:1/");
  request.headers = {{"X-A", "1\r\nX-B: 2"}};
  EXPECT_EQ(client.FetchSync(request).status().code(), absl::StatusCode::kInvalidArgument);
  request.headers = {};
  request.method = "GET / HTTP/1.1\r\n";
  EXPECT_EQ(client.FetchSync(request).status().code(), absl::StatusCode::kInvalidArgument);
}

// Counts outcomes by code; Wait returns when `total` have come. Declared before the client, which calls back what is
// under way while it ends.
class Outcomes {
 public:
  HttpCallback Callback() {
    return [this](const absl::StatusOr<HttpResponse>& result) {
      MutexLock lock(mutex_);
      ++counts_[result.status().code()];
      ++total_;
      changed_.NotifyAll();
    };
  }
  std::map<absl::StatusCode, int> Wait(int total) {
    MutexLock lock(mutex_);
    while (total_ < total) changed_.Wait(mutex_);
    return counts_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::map<absl::StatusCode, int> counts_ TW_GUARDED_BY(mutex_);
  int total_ TW_GUARDED_BY(mutex_) = 0;
};

TEST(HttpClientTest, BoundsWhatIsInFlightAndQueuedAndCancelsAtShutdown) {
  FakeHttpServer server;
  server.Route("/", FakeReply{.delay = absl::Minutes(1)});
  Outcomes outcomes;
  HttpClient client({.max_in_flight = 2, .max_queued = 3});
  for (int i = 0; i < 2; ++i) client.Fetch(Get(server.Url()), outcomes.Callback());
  const absl::Time until = absl::Now() + absl::Seconds(10);
  while (server.Count() < 2 && absl::Now() < until) std::this_thread::yield();
  for (int i = 0; i < 3; ++i) client.Fetch(Get(server.Url()), outcomes.Callback());
  EXPECT_EQ(client.stats().queued, 3u);
  EXPECT_EQ(client.stats().in_flight, 2u);
  client.Fetch(Get(server.Url()), outcomes.Callback());
  EXPECT_EQ(outcomes.Wait(1)[absl::StatusCode::kResourceExhausted], 1);
  EXPECT_EQ(client.stats().refused, 1u);
  client.Shutdown();
  EXPECT_EQ(outcomes.Wait(6)[absl::StatusCode::kCancelled], 5);
  client.Fetch(Get(server.Url()), outcomes.Callback());
  EXPECT_EQ(outcomes.Wait(7)[absl::StatusCode::kCancelled], 6);
  EXPECT_EQ(server.Count(), 2);
}

TEST(HttpClientTest, RequestsRunSideBySide) {
  const fakes::SelfSigned identity = fakes::MakeSelfSigned();
  const fakes::PemFile authority(identity.certificate);
  FakeHttpServer plain;
  FakeHttpServer tls({.tls = identity});
  for (FakeHttpServer* server : {&plain, &tls}) {
    // Each is answered only when both have arrived.
    server->Route("/", [server](const RecordedRequest&) {
      const absl::Time until = absl::Now() + absl::Seconds(10);
      while (server->Count() < 2 && absl::Now() < until) std::this_thread::yield();
      return FakeReply{.status = server->Count() < 2 ? 500 : 200};
    });
    Outcomes outcomes;
    HttpClient client({.ca_file = authority.path()});
    client.Fetch(Get(server->Url()), outcomes.Callback());
    const auto second = client.FetchSync(Get(server->Url()));
    ASSERT_TRUE(second.ok()) << second.status();
    EXPECT_EQ(second->status_code, 200);
    outcomes.Wait(1);
  }
}

TEST(HttpClientTest, DeadlineHoldsInTheQueue) {
  FakeHttpServer server;
  server.Route("/slow", FakeReply{.delay = absl::Minutes(1)});
  Outcomes slow;
  HttpClient client({.max_in_flight = 1});
  client.Fetch(Get(server.Url("/slow")), slow.Callback());
  const auto late = client.FetchSync(Get(server.Url("/"), absl::Milliseconds(50)));
  EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(server.Count("/slow"), server.Count());
}

TEST(HttpClientTest, CallbackMayFetchAgain) {
  FakeHttpServer server;
  server.Route("/", FakeReply{.body = "x"});
  Outcomes outcomes;
  HttpClient client;
  client.Fetch(Get(server.Url()), [&](const absl::StatusOr<HttpResponse>& first) {
    ASSERT_TRUE(first.ok());
    client.Fetch(Get(server.Url()), outcomes.Callback());
  });
  EXPECT_EQ(outcomes.Wait(1)[absl::StatusCode::kOk], 1);
}

TEST(HttpClientTest, ManyThreadsAtOnce) {
  FakeHttpServer server;
  server.Route("/", FakeReply{.body = "x"});
  HttpClient client;
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) good += client.FetchSync(Get(server.Url())).ok();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 100);
  EXPECT_LE(server.connections(), 8);
}

}  // namespace
}  // namespace tokenwatch::common
